/** What an agent's metrics are made of: plain data, gathered at the moment of a scrape. */
import type { HostLoad, VmObservation } from "@muster/model";

/** Counters of one disk since the domain started. */
export interface DiskCounters {
  /** "vda". */
  readonly device: string;
  readonly readBytes: bigint;
  readonly writeBytes: bigint;
  readonly readRequests: bigint;
  readonly writeRequests: bigint;
}

/** Counters of one NIC since the domain started. */
export interface NicCounters {
  /** The host's end, "vnet3". */
  readonly device: string;
  readonly receiveBytes: bigint;
  readonly transmitBytes: bigint;
}

export interface VmSummary {
  readonly observation: VmObservation;
  /** Absent: the sums of the observation are shown as one device "all". */
  readonly disks?: readonly DiskCounters[];
  readonly nics?: readonly NicCounters[];
}

export interface AgentSummary {
  readonly version: string;
  readonly libvirtAlive: boolean;
  /** Wild VMs too. */
  readonly vms: readonly VmSummary[];
  readonly load?: HostLoad;
  readonly connected: boolean;
  /** Sessions opened since the agent started. */
  readonly sessions: number;
  readonly reportsSent: { readonly full: number; readonly delta: number };
  readonly messagesReceived: number;
  readonly commandsRunning: number;
  /** Commands that ended since the agent started. */
  readonly commandsEnded: readonly {
    /** CommandKind. */
    readonly kind: string;
    readonly outcome: "succeeded" | "failed";
    readonly count: number;
  }[];
  readonly journalEntries: number;
  readonly networks: { readonly ready: number; readonly failed: number };
  /** Networks whose addresses this host serves, and those it should and does not. */
  readonly dhcpNetworks: { readonly served: number; readonly failed: number };
  /** NICs that may not forge addresses, and those that should not be able to and are. */
  readonly guardedNics: { readonly kept: number; readonly failed: number };
  /** Paths to other hosts, by network; empty: none are probed. */
  readonly paths: readonly {
    readonly network: string;
    readonly good: number;
    readonly bad: number;
  }[];
  /** Absent: there is no image cache. */
  readonly images?: {
    readonly count: number;
    readonly usedBytes: bigint;
    readonly hits: number;
    readonly misses: number;
    readonly evictions: number;
    readonly fetchedBytes: { readonly peer: number; readonly repository: number };
    readonly servedBytes: number;
  };
  /** Until the host's certificate runs out; negative: it has. Absent: not enrolled. */
  readonly certificateSecondsLeft?: number;
  readonly loops: readonly {
    readonly name: string;
    readonly passes: number;
    readonly failures: number;
  }[];
}

/** Implemented by whoever composes the agent. */
export interface AgentMetricsSource {
  summary(): AgentSummary;
}
