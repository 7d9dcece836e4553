/**
 * What an agent and the coordinator say to each other, as the programs see it. The wire form is
 * proto/muster/v1/dispatch.proto; `wire/` translates.
 */
import type { ErrorDetail } from "./errors.ts";
import type { HostInventory, HostLoad } from "./host.ts";
import type {
  HostNetworkAssignment,
  HostNetworkObservation,
  ProbeAssignment,
  ProbeResult,
} from "./host-networking.ts";
import type { ClusterId, CommandId, HostId, VmId } from "./ids.ts";
import type { ImageAction, ImageContents } from "./image.ts";
import type { NetworkObservation, NetworkSpec } from "./network.ts";
import type { MigrationStats } from "./operation.ts";
import type { NicSpec, VmObservation, VmSpec } from "./vm.ts";

/**
 * Versions of the session's protocol that this program speaks, newest last. 2 has compact reports and answered
 * heartbeats, 3 has seeds. The ones before the newest stay, so that agents and coordinator are upgraded one at a time.
 */
export const PROTOCOL_VERSIONS: readonly number[] = [1, 2, 3];

/** The first version with compact reports and answered heartbeats. */
export const PROTOCOL_COMPACT = 2;

/** The first version whose agents write seeds and listen to guests. */
export const PROTOCOL_SEEDS = 3;

/** The newest version that both sides speak; undefined: there is none. */
export function commonProtocol(theirs: readonly number[]): number | undefined {
  return PROTOCOL_VERSIONS.findLast((version) => theirs.includes(version));
}

/** Beside an answer that a standby gave: how old what it says may be, in milliseconds. */
export const STANDBY_AGE_NOTE = "muster-standby-age-ms";

/** From agent to coordinator. */
export type AgentMessage =
  | {
      readonly kind: "hello";
      readonly protocolVersions: readonly number[];
      readonly agentVersion: string;
      /** Changes whenever the agent process starts. */
      readonly agentIncarnation: string;
      /** Host name or address other hosts send migrations to. */
      readonly migrationAddress: string;
      /** Empty: none served. */
      readonly metricsAddress: string;
    }
  | {
      readonly kind: "full-report";
      readonly sequence: bigint;
      readonly inventory: HostInventory;
      readonly vms: readonly VmObservation[];
      readonly networks: readonly NetworkObservation[];
      readonly load: HostLoad;
      readonly runningCommandIds: readonly CommandId[];
      /** Absent: an agent that does not know of transactions. */
      readonly hostNetwork?: HostNetworkObservation;
    }
  | {
      readonly kind: "delta-report";
      readonly sequence: bigint;
      readonly vms: readonly VmObservation[];
      readonly removedVms: readonly VmId[];
      readonly networks: readonly NetworkObservation[];
      readonly load?: HostLoad;
    }
  | {
      readonly kind: "heartbeat";
      readonly sequence: bigint;
      readonly libvirtAlive: boolean;
      /** Counts the session's heartbeats from 1; 0: no answer is wanted. */
      readonly number: number;
      /** Sent by agents that guard VMs with a watchdog. */
      readonly lease?: LeaseRequest;
    }
  | NetworkApplied
  | ProbeReport
  | { readonly kind: "seed-request"; readonly vmId: VmId }
  | GuestReport
  | CommandProgress
  | CommandResult;

/** Answered once what it says is recorded; only then may the agent count on it. */
export interface LeaseRequest {
  /** Counts the requests of an agent process from 1. */
  readonly number: number;
  /** Of the armed watchdog; 0: it is not armed any more. */
  readonly watchdogTimeoutMs: number;
  /** The assignments the agent has and keeps to. */
  readonly assignmentsRevision: bigint;
}

/**
 * The host has changed its networks and asks, over the new configuration, whether it is heard. Sent again when a session
 * opens while it waits.
 */
export interface NetworkApplied {
  readonly kind: "network-applied";
  readonly revision: string;
  readonly attempt: number;
  /** Chosen for this question: an answer to an earlier one does not count. */
  readonly nonce: string;
}

/** Everything the host heard in its last rounds of probes: replaces what it said before. */
export interface ProbeReport {
  readonly kind: "probe-report";
  readonly results: readonly ProbeResult[];
}

/** Everything a guest said of its first boot so far. Sent again until it is recorded. */
export interface GuestReport {
  readonly kind: "guest-report";
  readonly vmId: VmId;
  readonly stages: readonly GuestStage[];
}

export type GuestStageName = "individual" | "central";
export type GuestStageState = "running" | "done" | "failed" | "skipped";

export const guestStageNames: readonly GuestStageName[] = ["individual", "central"];
export const guestStageStates: readonly GuestStageState[] = [
  "running",
  "done",
  "failed",
  "skipped",
];

/** One line of a guest. */
export interface GuestStage {
  /** Counts the guest's lines from 1. */
  readonly number: number;
  readonly stage: GuestStageName;
  readonly state: GuestStageState;
  readonly exitCode: number;
  /** The end of what the stage printed; empty: nothing, or the guest cannot say. */
  readonly logTail: string;
}

export interface CommandProgress {
  readonly kind: "progress";
  readonly commandId: CommandId;
  readonly phase: string;
  readonly migration?: MigrationStats;
}

export interface CommandResult {
  readonly kind: "result";
  readonly commandId: CommandId;
  /** Absent: it worked. */
  readonly error?: ErrorDetail;
  readonly migration?: MigrationStats;
  /** The VM after the command, when the host still has it. */
  readonly vm?: VmObservation;
  /** Milliseconds in which a VM that arrived could not be reached, as its new host measured; absent: not measured. */
  readonly networkBlackoutMs?: number;
  /** What the command was asked to find out. */
  readonly findings?: readonly string[];
  /** The contents it found. */
  readonly image?: ImageContents;
}

/** From coordinator to agent. */
export type CoordinatorMessage =
  | {
      readonly kind: "welcome";
      readonly protocolVersion: number;
      readonly heartbeatIntervalMs: number;
      readonly fullReportIntervalMs: number;
      readonly sampleIntervalMs: number;
      readonly clusterId: ClusterId;
      /** Agents spread their return over this when the session ends; 0 from coordinators that do not say. */
      readonly reconnectSpreadMs: number;
      /** How long a lease lasts, from when the agent sent the heartbeat that asked for it. */
      readonly leaseMs: number;
    }
  | Assignments
  | Command
  | { readonly kind: "cancel"; readonly commandId: CommandId }
  | { readonly kind: "acknowledge"; readonly commandId: CommandId }
  | { readonly kind: "request-report" }
  | { readonly kind: "heartbeat-answer"; readonly number: number }
  | { readonly kind: "lease-renewed"; readonly number: number }
  | ConfirmNetwork
  | SeedContents
  | { readonly kind: "guest-report-recorded"; readonly vmId: VmId; readonly number: number };

/** What a VM's seed has in it. It is kept nowhere but on the disk it becomes. */
export interface SeedContents {
  readonly kind: "seed";
  readonly vmId: VmId;
  readonly label: string;
  readonly files: readonly SeedContentsFile[];
  /** Present: the host does not get it. */
  readonly error?: ErrorDetail;
}

export interface SeedContentsFile {
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode: number;
}

/** The coordinator has heard "network-applied". */
export interface ConfirmNetwork {
  readonly kind: "confirm-network";
  readonly revision: string;
  readonly attempt: number;
  /** Of the question. */
  readonly nonce: string;
}

export interface VmAssignment {
  readonly id: VmId;
  readonly name: string;
  readonly generation: number;
  /** With addresses: what DHCP and the guards go by, also before its coordinator is heard after a reboot. */
  readonly nics: readonly NicSpec[];
  /** The agent stops it when its lease has ended. */
  readonly guarded?: true;
  /** The agent starts it after the host has booted, without asking. */
  readonly autostart?: true;
  /** The agent listens to what the guest says of its first boot. */
  readonly listen?: true;
}

export interface Assignments {
  readonly kind: "assignments";
  /** 0: complete by itself. */
  readonly appliesTo: bigint;
  readonly resultsIn: bigint;
  readonly networks: readonly NetworkSpec[];
  readonly removedNetworks: readonly string[];
  readonly vms: readonly VmAssignment[];
  readonly removedVms: readonly VmId[];
  /** Whole. Absent in an increment: as before. Absent in a full state: a coordinator without transactions. */
  readonly hostNetwork?: HostNetworkAssignment;
  /** Whole. Absent: as before. */
  readonly probes?: readonly ProbeAssignment[];
  /** Where coordinators are found from now on. Absent: where they have been so far. */
  readonly coordinators?: readonly string[];
}

export interface Command {
  readonly kind: "command";
  readonly commandId: CommandId;
  /** 0: no limit but the operation's own. */
  readonly timeoutMs: number;
  readonly action: CommandAction;
}

export type CommandAction = VmAction | HostAction;

/** Of the VM a command works on; commands about a host have none. */
export const vmIdOf = (action: CommandAction): VmId | undefined =>
  "vmId" in action ? action.vmId : undefined;

/** Work of a host that is about no VM. */
export type HostAction =
  | {
      readonly kind: "run-fence";
      /** Fence agent: "fence_ipmilan". */
      readonly agent: string;
      readonly action: FenceAction;
      readonly parameters: Readonly<Record<string, string>>;
    }
  | { readonly kind: "read-storage-heartbeat"; readonly hostId: HostId }
  | ImageAction;

export type FenceAction = "off" | "on" | "status" | "monitor";

export const fenceActions: readonly FenceAction[] = ["off", "on", "status", "monitor"];

export type VmAction =
  | {
      readonly kind: "define-vm";
      readonly vmId: VmId;
      readonly spec: VmSpec;
      readonly generation: number;
      /** Its volumes exist, on shared storage: a missing one is an error and is never made anew. */
      readonly existingVolumes?: true;
    }
  | { readonly kind: "start-vm"; readonly vmId: VmId; readonly spec: VmSpec }
  | {
      readonly kind: "stop-vm";
      readonly vmId: VmId;
      readonly force: boolean;
      readonly graceMs: number;
    }
  | { readonly kind: "reboot-vm"; readonly vmId: VmId; readonly force: boolean }
  | { readonly kind: "pause-vm"; readonly vmId: VmId }
  | { readonly kind: "resume-vm"; readonly vmId: VmId }
  | {
      readonly kind: "delete-vm";
      readonly vmId: VmId;
      readonly deleteVolumes: boolean;
      readonly spec: VmSpec;
    }
  | { readonly kind: "prepare-arrival"; readonly vmId: VmId; readonly spec: VmSpec }
  | MigrateAction
  | { readonly kind: "finish-arrival"; readonly vmId: VmId; readonly generation: number }
  | { readonly kind: "clean-departure"; readonly vmId: VmId; readonly generation: number }
  | {
      readonly kind: "open-console";
      readonly vmId: VmId;
      readonly ticket: string;
      readonly force: boolean;
    }
  | { readonly kind: "confirm-policy"; readonly vmId: VmId }
  /** The contents are asked for when it is carried out, so that no journal holds them. */
  | { readonly kind: "place-seed"; readonly vmId: VmId; readonly spec: VmSpec }
  | { readonly kind: "remove-seed"; readonly vmId: VmId; readonly spec: VmSpec };

export interface MigrateAction {
  readonly kind: "migrate-vm";
  readonly vmId: VmId;
  /** Where the target's libvirt is reached. */
  readonly targetUri: string;
  /** 0: no limit. */
  readonly bandwidthMibPerSecond: number;
  readonly autoConverge: boolean;
  readonly copyStorage: boolean;
  readonly tls: boolean;
  /** 0: QEMU's default. */
  readonly downtimeLimitMs: number;
  /** Empty: libvirt's own choice. */
  readonly migrationAddress: string;
}

export type CommandKind = CommandAction["kind"];
