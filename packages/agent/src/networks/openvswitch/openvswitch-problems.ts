/** Why a network cannot be, or is not, on this host's Open vSwitch. Pure. */
import { renderVlans } from "@muster/model";
import {
  demandProblem,
  describeFrames,
  idsOf,
  isUntagged,
  mtuProblem,
  rangesOf,
  sameDemand,
  tagsOf,
  type NetworkDemand,
} from "../network-demand.ts";
import { linkProblem, uplinkProblem } from "../uplink.ts";
import { isOurBridge, isOurUplink, markedNetworks } from "./openvswitch-marks.ts";
import type {
  OpenvswitchBridge,
  OpenvswitchInterface,
  OpenvswitchPort,
  OpenvswitchState,
} from "./openvswitch-state.ts";

export interface OpenvswitchConfig {
  readonly bridge: string;
  /** Absent: networks stay inside the host. */
  readonly uplink: string | undefined;
  /** Bytes; what networks may have at most where the device could do more. Absent: what it can do. */
  readonly uplinkMtu?: number;
  /** Of a bridge that we create: the kernel's module, or ovs-vswitchd itself ("netdev"). */
  readonly datapath: "system" | "netdev";
}

/** One question to the state of a host, as every function below takes it. */
export interface Situation {
  readonly state: OpenvswitchState;
  readonly config: OpenvswitchConfig;
  readonly bridge: OpenvswitchBridge | undefined;
  /** The uplink's port on our bridge. */
  readonly port: OpenvswitchPort | undefined;
}

export function situationOf(state: OpenvswitchState, config: OpenvswitchConfig): Situation {
  const bridge = state.bridges.get(config.bridge);
  const port = config.uplink === undefined ? undefined : bridge?.ports.get(config.uplink);
  return { state, config, bridge, port };
}

/** What no action of ours can mend. */
export function lastingProblem(situation: Situation, network: NetworkDemand): string | undefined {
  return (
    demandProblem(network) ??
    membershipProblem(situation) ??
    vlanProblem(situation, network) ??
    uplinkMtuProblem(situation, network)
  );
}

function membershipProblem({ state, config, bridge, port }: Situation): string | undefined {
  if (bridge === undefined && state.links.has(config.bridge)) {
    return `device ${config.bridge} exists and is not an Open vSwitch bridge`;
  }
  if (config.uplink === undefined || port !== undefined) return undefined;
  if (bridge !== undefined && !isOurBridge(bridge)) {
    return `uplink ${config.uplink} is not a port of bridge ${config.bridge}, which muster did not make`;
  }
  const elsewhere = [...state.bridges.values()].find((other) =>
    other.ports.has(config.uplink ?? ""),
  );
  if (elsewhere !== undefined) {
    return `uplink ${config.uplink} is a port of Open vSwitch bridge ${elsewhere.name}`;
  }
  return uplinkProblem({ uplink: config.uplink, bridge: config.bridge, links: state.links });
}

/** Whether frames of a VLAN pass a port, by Open vSwitch's rules for tag, trunks and vlan_mode. */
export function carriesVlan(
  { tag, trunks, vlanMode }: Pick<OpenvswitchPort, "tag" | "trunks" | "vlanMode">,
  vlan: number,
): boolean {
  const mode = vlanMode === "" ? (tag === undefined ? "trunk" : "access") : vlanMode;
  if (mode === "access" || mode === "dot1q-tunnel") return tag === vlan;
  // A port's native VLAN passes even when the list of trunks leaves it out.
  return trunks.length === 0 || trunks.includes(vlan) || (mode !== "trunk" && tag === vlan);
}

/** What of the network's frames a port does not let pass, for people; undefined: all pass. */
function blockedFrames(port: OpenvswitchPort, network: NetworkDemand): string | undefined {
  if (isUntagged(network)) return carriesVlan(port, 0) ? undefined : describeFrames(network);
  const blocked = idsOf(tagsOf(network)).filter((id) => !carriesVlan(port, id));
  return blocked.length === 0 ? undefined : renderVlans(rangesOf(blocked));
}

function vlanProblem({ port }: Situation, network: NetworkDemand): string | undefined {
  if (port === undefined || isOurUplink(port)) return undefined;
  const blocked = blockedFrames(port, network);
  if (blocked === undefined) return undefined;
  const carried = port.trunks.length === 0 ? String(port.tag) : port.trunks.join(", ");
  return `uplink ${port.name} carries VLAN ${carried} only, not ${blocked}`;
}

function uplinkMtuProblem(situation: Situation, network: NetworkDemand): string | undefined {
  const uplink = uplinkOf(situation);
  if (uplink === undefined) return undefined;
  return mtuProblem(network, { name: uplink.name, mtu: situation.config.uplinkMtu ?? uplink.mtu });
}

interface Uplink {
  readonly name: string;
  readonly mtu: number;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
}

/** The uplink as the kernel has it; a bond or a DPDK port only exists inside Open vSwitch. */
function uplinkOf({ state, config, port }: Situation): Uplink | undefined {
  if (config.uplink === undefined) return undefined;
  const link = state.links.get(config.uplink);
  if (link !== undefined) return link;
  if (port === undefined) return undefined;
  const members = port.interfaces.map((each) => state.links.get(each.name) ?? each);
  const mtus = members.map(({ mtu }) => mtu).filter((mtu) => mtu !== undefined);
  return {
    name: config.uplink,
    mtu: mtus.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...mtus),
    isUp: members.some(({ isUp }) => isUp),
    hasCarrier: members.some(({ hasCarrier }) => hasCarrier),
  };
}

export const ownInterface = ({
  name,
  ports,
}: OpenvswitchBridge): OpenvswitchInterface | undefined => ports.get(name)?.interfaces[0];

/** Why a network does not work as things are; undefined: it does. */
export function openvswitchProblem(
  state: OpenvswitchState,
  network: NetworkDemand,
  config: OpenvswitchConfig,
): string | undefined {
  const situation = situationOf(state, config);
  return (
    lastingProblem(situation, network) ??
    bridgeProblem(situation) ??
    passageProblem(situation, network) ??
    markProblem(situation, network)
  );
}

function bridgeProblem({ config, bridge }: Situation): string | undefined {
  if (bridge === undefined) return `there is no Open vSwitch bridge ${config.bridge}`;
  const own = ownInterface(bridge);
  if (own === undefined || own.error !== "") {
    return `bridge ${config.bridge} does not work: ${own?.error ?? "it has no port of its own"}`;
  }
  if (own.portNumber !== undefined && own.portNumber >= 0) return undefined;
  return `ovs-vswitchd has not made bridge ${config.bridge}; is it running?`;
}

function passageProblem(situation: Situation, network: NetworkDemand): string | undefined {
  const { config, port } = situation;
  if (config.uplink === undefined) return undefined;
  if (port === undefined) return `uplink ${config.uplink} is not a port of ${config.bridge}`;
  const error = port.interfaces.map((each) => each.error).find((text) => text !== "");
  if (error !== undefined) return `uplink ${config.uplink} does not work: ${error}`;
  if (blockedFrames(port, network) !== undefined) {
    return `uplink ${config.uplink} does not carry ${describeFrames(network)}`;
  }
  const uplink = uplinkOf(situation);
  return uplink === undefined ? `uplink ${config.uplink} is gone` : linkProblem(uplink);
}

function markProblem({ config, bridge }: Situation, network: NetworkDemand): string | undefined {
  const mark = bridge === undefined ? undefined : markedNetworks(bridge).get(network.name);
  if (mark === undefined) return `not set up on bridge ${config.bridge}`;
  if (sameDemand(mark, network)) return undefined;
  const has = `${describeFrames(mark)} and MTU ${String(mark.mtu)}`;
  return `set up with ${has}, not ${describeFrames(network)} and MTU ${String(network.mtu)}`;
}

/**
 * Why a NIC cannot be attached to a network. A cable that is out does not matter: a VM may start without it, and its
 * frames pass when it is back.
 */
export function openvswitchNicProblem(
  state: OpenvswitchState,
  network: NetworkDemand,
  config: OpenvswitchConfig,
): string | undefined {
  const situation = situationOf(state, config);
  return (
    bridgeProblem(situation) ??
    lastingProblem(situation, network) ??
    markProblem(situation, network)
  );
}
