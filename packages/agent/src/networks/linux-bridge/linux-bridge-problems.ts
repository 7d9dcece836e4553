/** Why a network cannot be, or is not, on this host's Linux bridge. Pure. */
import type { KernelLink } from "../links/kernel-links.ts";
import {
  demandProblem,
  describeFrames,
  idsOf,
  mtuProblem,
  sameDemand,
  tagsOf,
  type NetworkDemand,
} from "../network-demand.ts";
import { linkProblem, uplinkProblem } from "../uplink.ts";
import { isOurBridge, markLengthProblem, networkMarks } from "./linux-bridge-marks.ts";
import type { LinuxBridgeState } from "./linux-bridge-state.ts";
import { UNTAGGED_VLAN, isSameEntry, uplinkEntries } from "./port-frames.ts";

export interface LinuxBridgeConfig {
  readonly bridge: string;
  /** Absent: networks stay inside the host. */
  readonly uplink: string | undefined;
  /** Bytes; what networks may have at most where the device could do more. Absent: what it can do. */
  readonly uplinkMtu?: number;
}

/** One question to the state of a host, as the functions here and in the plans take it. */
export interface Situation {
  readonly state: LinuxBridgeState;
  readonly config: LinuxBridgeConfig;
  /** Absent, ours, or somebody else's device of that name. */
  readonly bridge: KernelLink | undefined;
  readonly uplink: KernelLink | undefined;
}

export function situationOf(state: LinuxBridgeState, config: LinuxBridgeConfig): Situation {
  const uplink = config.uplink === undefined ? undefined : state.links.get(config.uplink);
  return { state, config, bridge: state.links.get(config.bridge), uplink };
}

export const isAttached = ({ config, uplink }: Situation): boolean =>
  uplink?.master === config.bridge;

/** What no action of ours can mend. */
export function lastingProblem(situation: Situation, network: NetworkDemand): string | undefined {
  return (
    demandProblem(network) ??
    untaggedClash(network) ??
    markLengthProblem(network) ??
    ownershipProblem(situation) ??
    membershipProblem(situation) ??
    vlanDeviceProblem(situation, network) ??
    uplinkMtuProblem(situation, network)
  );
}

function uplinkMtuProblem(
  { config, uplink }: Situation,
  network: NetworkDemand,
): string | undefined {
  if (uplink === undefined) return undefined;
  return mtuProblem(network, { name: uplink.name, mtu: config.uplinkMtu ?? uplink.mtu });
}

function ownershipProblem({ config, bridge }: Situation): string | undefined {
  if (bridge === undefined || isOurBridge(bridge)) return undefined;
  return `device ${config.bridge} exists and was not made by muster; configure another bridge name`;
}

function membershipProblem(situation: Situation): string | undefined {
  const { state, config } = situation;
  if (config.uplink === undefined || isAttached(situation)) return undefined;
  return uplinkProblem({ uplink: config.uplink, bridge: config.bridge, links: state.links });
}

/** A VLAN device takes its frames before the bridge sees them. */
function vlanDeviceProblem(
  { state, config }: Situation,
  network: NetworkDemand,
): string | undefined {
  const tags = new Set(idsOf(tagsOf(network)));
  for (const { name, vlanOn } of state.links.values()) {
    if (vlanOn === undefined || vlanOn.device !== config.uplink || !tags.has(vlanOn.vlan)) continue;
    return `VLAN ${String(vlanOn.vlan)} of uplink ${String(config.uplink)} is in use by device ${name}`;
  }
  return undefined;
}

/** One id cannot be both: a tag that a network wants, and what frames without a tag are inside the bridge. */
function untaggedClash(network: NetworkDemand): string | undefined {
  if (!idsOf(tagsOf(network)).includes(UNTAGGED_VLAN)) return undefined;
  const id = String(UNTAGGED_VLAN);
  return `VLAN ${id} stands for untagged frames inside a Linux bridge: use 1 to ${String(UNTAGGED_VLAN - 1)}`;
}

/** Why a network does not work as things are; undefined: it does. */
export function linuxBridgeProblem(
  state: LinuxBridgeState,
  network: NetworkDemand,
  config: LinuxBridgeConfig,
): string | undefined {
  const situation = situationOf(state, config);
  return (
    lastingProblem(situation, network) ??
    bridgeProblem(situation) ??
    markProblem(situation, network) ??
    passageProblem(situation, network)
  );
}

function bridgeProblem({ config, bridge }: Situation): string | undefined {
  if (bridge === undefined) return `there is no bridge ${config.bridge}`;
  if (bridge.bridge?.vlanFiltering !== true) {
    return `bridge ${config.bridge} does not tell VLANs apart`;
  }
  return bridge.isUp ? undefined : `bridge ${config.bridge} is down`;
}

function markProblem({ config, bridge }: Situation, network: NetworkDemand): string | undefined {
  const marks = bridge === undefined ? [] : networkMarks(bridge);
  const own = marks.filter(({ name }) => name === network.name);
  const [other] = own;
  if (other === undefined) return `not set up on bridge ${config.bridge}`;
  if (own.some((mark) => sameDemand(mark, network))) return undefined;
  const has = `${describeFrames(other)} and MTU ${String(other.mtu)}`;
  return `set up with ${has}, not ${describeFrames(network)} and MTU ${String(network.mtu)}`;
}

function passageProblem(situation: Situation, network: NetworkDemand): string | undefined {
  const { state, config, uplink } = situation;
  if (config.uplink === undefined) return undefined;
  if (uplink === undefined || !isAttached(situation)) {
    return `uplink ${config.uplink} is not a port of bridge ${config.bridge}`;
  }
  const carried = state.vlans.get(config.uplink);
  const wrong = uplinkEntries(network).find(
    (wanted) => !isSameEntry(carried?.get(wanted.vlan), wanted),
  );
  if (wrong === undefined) return linkProblem(uplink);
  if (wrong.isUntagged) return `uplink ${config.uplink} does not carry untagged frames`;
  return carried?.has(wrong.vlan) === true
    ? `uplink ${config.uplink} carries VLAN ${String(wrong.vlan)} without its tag`
    : `uplink ${config.uplink} does not carry VLAN ${String(wrong.vlan)}`;
}

/** Why a NIC cannot be attached to a network; a cable that is out does not matter. */
export function linuxBridgeNicProblem(
  situation: Situation,
  network: NetworkDemand,
): string | undefined {
  return (
    ownershipProblem(situation) ??
    bridgeProblem(situation) ??
    lastingProblem(situation, network) ??
    markProblem(situation, network)
  );
}
