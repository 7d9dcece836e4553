/** What the coordinator's metrics are made of: plain data, gathered at the moment of a scrape. */
import type { ContextState, HostState, MigrationStats, OperationState } from "@muster/model";

export interface HostSummary {
  readonly name: string;
  readonly state: HostState;
  readonly cordoned: boolean;
  readonly capacityCpus: number;
  readonly capacityMemoryBytes: bigint;
  readonly claimedCpus: number;
  readonly claimedMemoryBytes: bigint;
  /** Measured; absent until the host reported. */
  readonly used?: { readonly cpus: number; readonly memoryBytes: bigint };
  readonly vms: number;
  readonly wildVms: number;
  /** 0: none is armed. */
  readonly watchdogTimeoutMs: number;
  readonly session: SessionSummary;
}

export interface SessionSummary {
  readonly connected: boolean;
  readonly libvirtAlive: boolean;
  /** Since anything was last heard; absent: never. */
  readonly lastHeardSeconds?: number;
  /** Since the coordinator started. */
  readonly messagesReceived: number;
  readonly messagesSent: number;
  /** Sessions opened since the coordinator started. */
  readonly sessions: number;
}

export interface MigrationSummary {
  /** Name of the VM. */
  readonly vm: string;
  readonly source: string;
  readonly target: string;
  /** Absent until the source reported progress. */
  readonly stats?: MigrationStats;
}

export interface ReconcilerSummary {
  readonly name: string;
  readonly passes: number;
  readonly failures: number;
  readonly lastDurationMs: number;
}

export interface RebalanceSummary {
  readonly automation: string;
  /** At the last look; absent: it has not looked. */
  readonly score?: number;
  readonly scorePossible?: number;
  readonly movesPossible: number;
  readonly movesLastDay: number;
}

export interface VirtualClusterSummary {
  readonly name: string;
  readonly state: string;
  /** Until its lease ends; absent: without end. */
  readonly leaseSeconds?: number;
}

export interface HaSummary {
  readonly isArmed: boolean;
  readonly isBraked: boolean;
  /** With a policy. */
  readonly vms: number;
  readonly vmsInError: number;
}

export interface CoordinatorSummary {
  readonly ha: HaSummary;
  readonly version: string;
  readonly clusterId: string;
  readonly hosts: readonly HostSummary[];
  /** VMs we manage by the one word people see: "running", "migrating", "missing", … */
  readonly vmsByState: ReadonlyMap<string, number>;
  readonly networks: readonly {
    readonly name: string;
    readonly ready: number;
    readonly failed: number;
  }[];
  /** Networks that VMs cannot use on a host that is online and should have them. */
  readonly unusableNetworks: readonly { readonly network: string; readonly host: string }[];
  /** MAC addresses that more than one VM has, wild ones too. */
  readonly macClashes: number;
  /** VMs whose guests were told about themselves, by how far their first boot is. */
  readonly firstBoots: ReadonlyMap<ContextState, number>;
  readonly virtualClusters: readonly VirtualClusterSummary[];
  /** Operations that are kept, by type and state. */
  readonly operations: readonly {
    readonly type: string;
    readonly state: OperationState;
    readonly count: number;
  }[];
  /** Those in which nothing has moved for long, by type and step. */
  readonly stuck: readonly {
    readonly type: string;
    readonly step: string;
    readonly count: number;
  }[];
  /** Operations that wait for their turn. */
  readonly queued: number;
  /** Those that are under way. */
  readonly migrations: readonly MigrationSummary[];
  readonly reconcilers: readonly ReconcilerSummary[];
  /** Kept plans by kind and state. */
  readonly plans: readonly {
    readonly kind: string;
    readonly state: string;
    readonly count: number;
  }[];
  readonly rebalance: RebalanceSummary;
}

/** Implemented by whoever composes the coordinator. */
export interface CoordinatorMetricsSource {
  summary(): CoordinatorSummary;
}
