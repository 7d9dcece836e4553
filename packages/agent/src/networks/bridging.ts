/** A kind of bridges as one host uses it: which it has made, and how networks are put on an uplink with it. */
import type { NetworkDriver, UplinkNetworks } from "./network-driver.ts";

/** Networks that share an uplink share what carries them. */
export interface BridgeGroup {
  /** Name of the bridge, or the stem of the names of several. */
  readonly bridge: string;
  /** Absent: inside the host. */
  readonly uplink: string | undefined;
  /** Bytes; absent: what the uplink can do. */
  readonly uplinkMtu?: number;
}

export interface BridgesThere {
  /** That carry our mark. */
  readonly ours: readonly BridgeGroup[];
  /** The bridge of our configuration or of ours by the NIC or bond that is its port. */
  readonly groupOf: ReadonlyMap<string, string>;
  /** The VLAN of an Open vSwitch port that has one. */
  readonly tagOf?: ReadonlyMap<string, number>;
}

export interface Bridging {
  readonly name: NetworkDriver["name"];
  /** Rejects with "network-failed" when the host cannot be asked. */
  look(): Promise<BridgesThere>;
  open(group: BridgeGroup): UplinkNetworks;
  /** What carries the networks on the uplink of this label. */
  groupName(label: string): string;
}
