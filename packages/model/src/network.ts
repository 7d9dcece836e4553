/** A network: a named L2 segment, defined once for all hosts. */

/** Written by the API only. */
export interface NetworkSpec {
  readonly name: string;
  /** 1 to 4094. */
  readonly vlan: number;
  /** Bytes. */
  readonly mtu: number;
  /** Names of the hosts that should have it; empty: every host. */
  readonly hosts: readonly string[];
}

export const MTU_DEFAULT_BYTES = 1500;
/** IPv6 needs 1280; 9216 is the largest jumbo frame common switches carry. */
export const MTU_MIN_BYTES = 1280;
export const MTU_MAX_BYTES = 9216;

export type NetworkState = "ready" | "failed";

/** One network on one host. Written from agents' reports only. */
export interface NetworkObservation {
  readonly name: string;
  readonly state: NetworkState;
  /** Why it failed; empty otherwise. */
  readonly message: string;
  readonly vlan: number;
  /** "openvswitch", "linux-bridge" or "simulated". */
  readonly driver: string;
  readonly bridge: string;
}

/** A network as it is stored. */
export interface NetworkRecord {
  readonly spec: NetworkSpec;
  /** RFC 3339. */
  readonly createdAt: string;
  /** The operation that creates or removes it. */
  readonly operationId?: string;
  /** True from the moment its removal was accepted: hosts no longer should have it, VMs may not use it. */
  readonly removing: boolean;
}
