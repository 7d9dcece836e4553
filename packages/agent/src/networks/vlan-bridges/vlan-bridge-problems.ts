/** Why a network cannot be, or is not, on a bridge of its own VLAN. Pure. */
import type { BridgeGroup } from "../bridging.ts";
import { networkMarks, markLengthProblem } from "../linux-bridge/linux-bridge-marks.ts";
import type { KernelLink } from "../links/kernel-links.ts";
import {
  demandProblem,
  describeFrames,
  mtuProblem,
  sameDemand,
  type NetworkDemand,
} from "../network-demand.ts";
import { linkProblem, uplinkProblem } from "../uplink.ts";
import {
  isOurVlanPort,
  STEM_MAX,
  vlanBridgeMark,
  vlanBridgeName,
  vlanPortName,
} from "./vlan-bridge-marks.ts";

export type Links = ReadonlyMap<string, KernelLink>;

/** What no action of ours can mend. */
export function lastingProblem(
  links: Links,
  network: NetworkDemand,
  group: BridgeGroup,
): string | undefined {
  return (
    demandProblem(network) ??
    trunkProblem(network) ??
    markLengthProblem(network) ??
    nameProblem(links, network, group) ??
    uplinkProblemOf(links, network, group) ??
    vlanInUse(links, network, group)
  );
}

function trunkProblem({ trunk }: NetworkDemand): string | undefined {
  if (trunk === undefined) return undefined;
  return "a host with one bridge per VLAN cannot keep a trunk to its VLANs: choose another driver for it";
}

function nameProblem(
  links: Links,
  { vlan }: NetworkDemand,
  { bridge: stem }: BridgeGroup,
): string | undefined {
  if (stem.length > STEM_MAX) {
    return `networks.bridge: ${stem} has ${String(stem.length)} characters; with one bridge per VLAN at most ${String(STEM_MAX)} are possible`;
  }
  const name = vlanBridgeName(stem, vlan);
  const bridge = links.get(name);
  if (bridge !== undefined && vlanBridgeMark(bridge) === undefined) {
    return `device ${name} exists and was not made by muster`;
  }
  const port = links.get(vlanPortName(stem, vlan));
  if (port === undefined || isOurVlanPort(port)) return undefined;
  return `device ${port.name} exists and was not made by muster`;
}

function uplinkProblemOf(
  links: Links,
  network: NetworkDemand,
  { bridge: stem, uplink, uplinkMtu }: BridgeGroup,
): string | undefined {
  if (uplink === undefined) return undefined;
  const link = links.get(uplink);
  if (link === undefined) return `uplink ${uplink} does not exist on this host`;
  const bridge = vlanBridgeName(stem, network.vlan);
  // A VLAN's frames are taken off above the uplink: its addresses stay in use.
  const isBridged = network.vlan === 0 && link.master !== bridge;
  return (
    (isBridged ? uplinkProblem({ uplink, bridge, links }) : undefined) ??
    mtuProblem(network, { name: uplink, mtu: uplinkMtu ?? link.mtu })
  );
}

function vlanInUse(
  links: Links,
  { vlan }: NetworkDemand,
  { bridge: stem, uplink }: BridgeGroup,
): string | undefined {
  if (vlan === 0) return undefined;
  const other = [...links.values()].find(
    ({ name, vlanOn }) =>
      vlanOn?.device === uplink && vlanOn?.vlan === vlan && name !== vlanPortName(stem, vlan),
  );
  if (other === undefined || uplink === undefined || isOurVlanPort(other)) return undefined;
  return `VLAN ${String(vlan)} of uplink ${uplink} is in use by device ${other.name}`;
}

/** Why a network does not work as things are; undefined: it does. */
export function vlanBridgeProblem(
  links: Links,
  network: NetworkDemand,
  group: BridgeGroup,
): string | undefined {
  return (
    lastingProblem(links, network, group) ??
    bridgeProblem(links, network, group) ??
    passageProblem(links, network, group)
  );
}

function bridgeProblem(
  links: Links,
  network: NetworkDemand,
  { bridge: stem }: BridgeGroup,
): string | undefined {
  const name = vlanBridgeName(stem, network.vlan);
  const bridge = links.get(name);
  if (bridge === undefined) return `there is no bridge ${name}`;
  if (!bridge.isUp) return `bridge ${name} is down`;
  const marks = networkMarks(bridge).filter((mark) => mark.name === network.name);
  const [other] = marks;
  if (other === undefined) return `not set up on bridge ${name}`;
  if (marks.some((mark) => sameDemand(mark, network))) return undefined;
  return `set up with ${describeFrames(other)} and MTU ${String(other.mtu)}, not MTU ${String(network.mtu)}`;
}

function passageProblem(
  links: Links,
  { vlan }: NetworkDemand,
  { bridge: stem, uplink }: BridgeGroup,
): string | undefined {
  if (uplink === undefined) return undefined;
  const bridge = vlanBridgeName(stem, vlan);
  const port = links.get(vlan === 0 ? uplink : vlanPortName(stem, vlan));
  if (port?.master !== bridge) return `bridge ${bridge} has no way to uplink ${uplink}`;
  if (!port.isUp) return `${port.name} is down`;
  const link = links.get(uplink);
  return link === undefined ? undefined : linkProblem(link);
}

/** Why a NIC cannot be attached to a network; a cable that is out does not matter. */
export const vlanBridgeNicProblem = (
  links: Links,
  network: NetworkDemand,
  group: BridgeGroup,
): string | undefined =>
  lastingProblem(links, network, group) ?? bridgeProblem(links, network, group);
