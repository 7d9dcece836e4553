/** Where a device of ours is attached so that it hears a network's frames, without tags. Pure. */
import type { NetworkObservation, NetworkSpec } from "@muster/model";
import { nicEntries } from "../networks/linux-bridge/port-frames.ts";
import { demandOf } from "../networks/network-demand.ts";

export type BridgePlace =
  | {
      readonly kind: "openvswitch";
      readonly bridge: string;
      /** 0: untagged. */
      readonly vlan: number;
    }
  | {
      readonly kind: "linux-bridge";
      readonly bridge: string;
      /** Inside a VLAN-aware bridge. Absent: the bridge carries this network alone. */
      readonly vlan?: number;
    };

/** Undefined: the network is not there, or nobody is on it without a tag, as with a trunk. */
export function placeOf(
  network: NetworkSpec,
  { state, bridge, driver }: Pick<NetworkObservation, "state" | "bridge" | "driver">,
): BridgePlace | undefined {
  // The bridge of a VXLAN carries nothing else, and frames as they are.
  const demand = demandOf(
    network.segment.kind === "vxlan" ? { ...network, segment: { kind: "untagged" } } : network,
  );
  if (state !== "ready" || bridge === "" || demand.trunk !== undefined) return undefined;
  switch (driver) {
    case "openvswitch":
      return { kind: "openvswitch", bridge, vlan: demand.vlan };
    case "linux-bridge": {
      const [entry] = nicEntries(demand);
      return entry === undefined ? undefined : { kind: "linux-bridge", bridge, vlan: entry.vlan };
    }
    case "vlan-bridges":
      return { kind: "linux-bridge", bridge };
    default:
      // Only in memory: nothing can be attached to it.
      return undefined;
  }
}
