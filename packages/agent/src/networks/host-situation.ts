/** What somebody wants of a host's networks, seen against what is there: which network goes on which bridge. Pure. */
import type { NetworkSpec } from "@muster/model";
import type { BridgeGroup, BridgesThere, Bridging } from "./bridging.ts";
import type { DeviceDemand, UplinkDemand } from "./devices/device-demand.ts";
import { VXLAN_OVERHEAD_BYTES, vxlanDevice, vxlanLabel } from "./devices/vxlan-demand.ts";
import type { HostLayout } from "./host-layout.ts";
import type { InterfaceDemand } from "./interfaces/interface-demand.ts";
import type { DefaultRoute } from "./interfaces/read-routes.ts";
import type { KernelLink } from "./links/kernel-links.ts";
import type { NetworkRefusal } from "./network-driver.ts";

/** What the agent's own configuration says: where networks without an uplink's label go. */
export interface HostNetworksConfig {
  readonly bridge: string;
  readonly uplink: string | undefined;
}

export interface GroupDemand extends BridgeGroup {
  readonly networks: readonly NetworkSpec[];
}

export interface Grouping {
  /** By the group's name: what is to be on it. That of the configuration is always there. */
  readonly groups: ReadonlyMap<string, GroupDemand>;
  readonly refusals: readonly NetworkRefusal[];
}

export interface HostSituation extends Grouping {
  readonly networks: readonly NetworkSpec[];
  readonly layout: HostLayout;
  readonly links: ReadonlyMap<string, KernelLink>;
  readonly there: BridgesThere;
  readonly devices: DeviceDemand;
  readonly interfaces: readonly InterfaceDemand[];
  readonly routes: readonly DefaultRoute[];
}

export interface GroupingQuestion {
  readonly config: HostNetworksConfig;
  readonly groupName: Bridging["groupName"];
  readonly devices: DeviceDemand;
  readonly there: BridgesThere;
  /** Why a device could not be made, by owner. */
  readonly failures: ReadonlyMap<string, string>;
}

export function groupNetworks(
  networks: readonly NetworkSpec[],
  question: GroupingQuestion,
): Grouping {
  const { config } = question;
  const groups = new Map<string, GroupDemand>([[config.bridge, { ...config, networks: [] }]]);
  const refusals: NetworkRefusal[] = [];
  for (const network of networks) {
    const group = groupFor(network, question);
    if (typeof group === "string") {
      refusals.push({ network: network.name, message: group });
      continue;
    }
    // On the bridge of a VXLAN there is nothing else, and frames are as they are.
    const onBridge: NetworkSpec =
      network.segment.kind === "vxlan" ? { ...network, segment: { kind: "untagged" } } : network;
    const other = groups.get(group.bridge);
    // The configured bridge may have the uplink of a label.
    const shared = other === undefined || other.uplink === undefined ? group : other;
    groups.set(group.bridge, { ...shared, networks: [...(other?.networks ?? []), onBridge] });
  }
  return { groups, refusals };
}

/** Where a network goes, or why it cannot. */
function groupFor(network: NetworkSpec, question: GroupingQuestion): BridgeGroup | string {
  const { uplink: label, segment, name } = network;
  const { devices, failures } = question;
  const refusal = devices.vxlanProblems.get(name) ?? failures.get(`network ${name}`);
  if (refusal !== undefined) return refusal;
  if (label === undefined) return question.config;
  const uplink = question.devices.uplinks.get(label);
  if (uplink === undefined) {
    return `this host has no uplink ${label}: define one that fits it, muster uplink set ${label}`;
  }
  if (uplink.device === "") return `uplink ${label}: ${uplink.problem}`;
  const failure = question.failures.get(`uplink ${label}`);
  if (failure !== undefined) return `uplink ${label}: ${failure}`;
  if (segment.kind === "vxlan") {
    const bridge = question.groupName(vxlanLabel(segment.vni));
    const uplinkMtu = uplink.mtu - VXLAN_OVERHEAD_BYTES;
    return { bridge, uplink: vxlanDevice(segment.vni), uplinkMtu };
  }
  return { bridge: bridgeOf(uplink, question), uplink: uplink.device, uplinkMtu: uplink.mtu };
}

/** A NIC is a port of one bridge: that of the agent's configuration, if it has it already. */
function bridgeOf({ device, label }: UplinkDemand, question: GroupingQuestion): string {
  const { config, there, groupName } = question;
  if (device === config.uplink || there.groupOf.get(device) === config.bridge) return config.bridge;
  return groupName(label);
}

/** What carries networks that name an uplink, also where that cannot be found now. */
export const namesOf = (
  networks: readonly NetworkSpec[],
  groupName: Bridging["groupName"],
): readonly string[] =>
  networks.flatMap(({ uplink, segment }) => {
    if (segment.kind === "vxlan") return [groupName(vxlanLabel(segment.vni))];
    return uplink === undefined ? [] : [groupName(uplink)];
  });

/** Bridges of ours that nothing is wanted on any more. */
export function leftOver(
  { there, groups, networks }: HostSituation,
  groupName: Bridging["groupName"],
): readonly BridgeGroup[] {
  const wanted = new Set([
    ...groups.keys(),
    // A bridge whose uplink cannot be found now stays: its VMs may talk to each other.
    ...namesOf(networks, groupName),
  ]);
  return there.ours.filter(({ bridge }) => !wanted.has(bridge));
}

/** Bridges of ours that have another uplink than they should: it has to leave before it may become something else. */
export const movingGroups = ({ there, groups }: HostSituation): readonly GroupDemand[] =>
  there.ours.flatMap(({ bridge, uplink }) => {
    const group = groups.get(bridge);
    return group === undefined || uplink === undefined || group.uplink === uplink ? [] : [group];
  });

/** NICs that the host's own interfaces need as they are. */
export const heldNics = ({ interfaces }: HostSituation): ReadonlySet<string> =>
  new Set(interfaces.map(({ base }) => base));
