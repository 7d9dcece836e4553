/** Our marks in Open vSwitch's external_ids. What carries none of them is not ours. Pure. */
import { parseMarkedTrunk, renderMarkedTrunk } from "../marked-trunk.ts";
import type { NetworkDemand } from "../network-demand.ts";
import type { OpenvswitchBridge, OpenvswitchPort } from "./openvswitch-state.ts";

/** On a bridge that we made. */
export const BRIDGE_MARK = { key: "muster-bridge", value: "created" } as const;
/** On the port by which we added the uplink. */
export const UPLINK_MARK = { key: "muster-port", value: "uplink" } as const;
/** On the port of a foothold: our own place on a network, see ../../footholds/. */
export const FOOTHOLD_MARK = { key: "muster-port", value: "foothold" } as const;
/** On the interface of a VM's NIC; libvirt writes it. */
export const VM_KEY = "vm-id";

const NETWORK_PREFIX = "muster-network:";

export const isOurBridge = ({ externalIds }: OpenvswitchBridge): boolean =>
  externalIds.has(BRIDGE_MARK.key);

export const isOurUplink = ({ externalIds }: OpenvswitchPort): boolean =>
  externalIds.get(UPLINK_MARK.key) === UPLINK_MARK.value;

export const isOurFoothold = ({ externalIds }: OpenvswitchPort): boolean =>
  externalIds.get(FOOTHOLD_MARK.key) === FOOTHOLD_MARK.value;

export const networkKey = (name: string): string => `${NETWORK_PREFIX}${name}`;

/** "vlan=10,mtu=1500"; VLAN 0 is untagged; "trunk=10+20-29,mtu=1500". */
export function networkValue({
  vlan,
  mtu,
  trunk,
}: Pick<NetworkDemand, "vlan" | "mtu" | "trunk">): string {
  const frames = trunk === undefined ? `vlan=${String(vlan)}` : `trunk=${renderMarkedTrunk(trunk)}`;
  return `${frames},mtu=${String(mtu)}`;
}

function parseValue(name: string, value: string): NetworkDemand {
  const [, trunk, trunkMtu] = /^trunk=([\d+-]+),mtu=(\d{1,5})$/.exec(value) ?? [];
  if (trunk !== undefined) {
    return { name, vlan: 0, mtu: Number(trunkMtu), trunk: parseMarkedTrunk(trunk) };
  }
  const [, vlan = "0", mtu = "0"] = /^vlan=(\d{1,4}),mtu=(\d{1,5})$/.exec(value) ?? [];
  return { name, vlan: Number(vlan), mtu: Number(mtu) };
}

/**
 * The networks marked on a bridge, by name. A mark that somebody has spoilt counts as VLAN 0 with MTU 0: it is still
 * ours to correct or remove, and matches no network.
 */
export function markedNetworks(bridge: OpenvswitchBridge): ReadonlyMap<string, NetworkDemand> {
  const marked = [...bridge.externalIds]
    .filter(([key]) => key.startsWith(NETWORK_PREFIX))
    .map(([key, value]) => {
      const name = key.slice(NETWORK_PREFIX.length);
      return [name, parseValue(name, value)] as const;
    });
  return new Map(marked);
}
