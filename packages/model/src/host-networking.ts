/**
 * A host's network configuration as one thing that changes by transactions: what the coordinator tells a host beside
 * its networks, and what the host says of it. The protocol is docs/design/0066-commit-confirm.md.
 */
import type { HostId } from "./ids.ts";
import type { TrafficKind } from "./network.ts";
import type { HostInterfaceSpec, HostInterfacesSpec, UplinkSpec } from "./uplink.ts";

/** An uplink as one host is told of it. */
export type UplinkAssignment = Omit<UplinkSpec, "hosts">;

/** Longest time a host waits to be confirmed; longer only keeps it cut off, shorter undoes good changes. */
export const CONFIRM_TIMEOUT_DEFAULT_MS = 10_000;
export const CONFIRM_TIMEOUT_MAX_MS = 300_000;

/** Everything of a host's network configuration that is not a network; with them it has one revision. */
export interface HostNetworkAssignment {
  /** Names the whole: networks, uplinks and interfaces. Equal revisions are equal configurations. */
  readonly revision: string;
  /** Counts from 1. A revision that was undone is tried again only when this has grown. */
  readonly attempt: number;
  /** Milliseconds within which the coordinator must be heard over the new configuration. */
  readonly confirmTimeoutMs: number;
  /** True: may delete or re-tag what carries the agent's own connection or migrations. It is undone all the same. */
  readonly overrideProtected: boolean;
  readonly uplinks: readonly UplinkAssignment[];
  readonly bonds: HostInterfacesSpec["bonds"];
  readonly interfaces: readonly HostInterfaceSpec[];
}

export const noHostNetworking = {
  uplinks: [],
  bonds: [],
  interfaces: [],
} as const satisfies Partial<HostNetworkAssignment>;

/** A host that answers probes. */
export interface ProbePeer {
  readonly hostId: HostId;
  readonly host: string;
}

/** Whom this host probes on which networks; networks that share their hosts share an entry. */
export interface ProbeAssignment {
  readonly networks: readonly string[];
  readonly peers: readonly ProbePeer[];
}

/**
 * applying: the host is being changed. unconfirmed: changed, the coordinator not heard yet. confirmed: it stays.
 * rolled-back: it is as before. refused: nothing was changed. stuck: undoing failed too, and the reason says what is left.
 */
export type NetworkAttemptState =
  "applying" | "unconfirmed" | "confirmed" | "rolled-back" | "refused" | "stuck";

export const networkAttemptStates: readonly NetworkAttemptState[] = [
  "applying",
  "unconfirmed",
  "confirmed",
  "rolled-back",
  "refused",
  "stuck",
];

/** One transaction. Written from agents' reports only. */
export interface NetworkAttempt {
  readonly revision: string;
  readonly attempt: number;
  readonly state: NetworkAttemptState;
  /** Why it did not stay; empty otherwise. */
  readonly reason: string;
  /** What the host had, a line each. */
  readonly before: readonly string[];
  /** What the change made of it, a line each. */
  readonly after: readonly string[];
  /** RFC 3339, by the host's clock. */
  readonly startedAt: string;
  /** RFC 3339; empty: under way. */
  readonly endedAt: string;
}

/** An uplink on one host. */
export interface UplinkObservation {
  readonly label: string;
  /** "eth1", "bond0"; empty: none fits. */
  readonly device: string;
  readonly members: readonly string[];
  /** Bytes; 0: unknown. */
  readonly mtu: number;
  /** Empty: it works. */
  readonly problem: string;
  /** Not empty: protected. */
  readonly carries: readonly TrafficKind[];
}

/** A difference between what is and what should be. */
export interface InterfaceObservation {
  /** "bond0", "eth0.20", "brbond0". */
  readonly name: string;
  readonly wanted: string;
  readonly found: string;
  /** Empty: as it should be. */
  readonly problem: string;
  /** Not empty: protected. */
  readonly carries: readonly TrafficKind[];
}

/** Written from agents' reports only. */
export interface HostNetworkObservation {
  /** Of the configuration that was confirmed last; empty: none yet. */
  readonly appliedRevision: string;
  /** Newest last, a few. */
  readonly attempts: readonly NetworkAttempt[];
  readonly uplinks: readonly UplinkObservation[];
  readonly interfaces: readonly InterfaceObservation[];
}

/** What one host heard of another on one network, by layer-2 frames. */
export interface ProbeResult {
  readonly network: string;
  readonly peer: HostId;
  readonly sent: number;
  readonly received: number;
  /** Largest frame that came back, without its Ethernet header: what the path's MTU is known to be; 0: none did. */
  readonly mtuBytes: number;
  /** Microseconds there and back, the middle one; 0: unknown. */
  readonly roundTripUs: number;
}

/** Longest history a host keeps and a report carries. */
export const NETWORK_ATTEMPTS_MAX = 10;
