/** What somebody wants of a host's networks, seen against what is there: which network goes on which bridge. Pure. */
import type { NetworkSpec } from "@muster/model";
import type { BridgeGroup, BridgesThere, Bridging } from "./bridging.ts";
import type { DeviceDemand, UplinkDemand } from "./devices/device-demand.ts";
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
    const other = groups.get(group.bridge);
    // The configured bridge may have the uplink of a label.
    const shared = other === undefined || other.uplink === undefined ? group : other;
    groups.set(group.bridge, { ...shared, networks: [...(other?.networks ?? []), network] });
  }
  return { groups, refusals };
}

/** Where a network goes, or why it cannot. */
function groupFor(
  { uplink: label }: NetworkSpec,
  question: GroupingQuestion,
): BridgeGroup | string {
  if (label === undefined) return question.config;
  const uplink = question.devices.uplinks.get(label);
  if (uplink === undefined) {
    return `this host has no uplink ${label}: define one that fits it, muster uplink set ${label}`;
  }
  if (uplink.device === "") return `uplink ${label}: ${uplink.problem}`;
  const failure = question.failures.get(`uplink ${label}`);
  if (failure !== undefined) return `uplink ${label}: ${failure}`;
  return { bridge: bridgeOf(uplink, question), uplink: uplink.device, uplinkMtu: uplink.mtu };
}

/** A NIC is a port of one bridge: that of the agent's configuration, if it has it already. */
function bridgeOf({ device, label }: UplinkDemand, question: GroupingQuestion): string {
  const { config, there, groupName } = question;
  if (device === config.uplink || there.groupOf.get(device) === config.bridge) return config.bridge;
  return groupName(label);
}

/** Bridges of ours that nothing is wanted on any more. */
export function leftOver(
  { there, groups, networks }: HostSituation,
  groupName: Bridging["groupName"],
): readonly BridgeGroup[] {
  const wanted = new Set([
    ...groups.keys(),
    // A bridge whose uplink cannot be found now stays: its VMs may talk to each other.
    ...networks.flatMap(({ uplink }) => (uplink === undefined ? [] : [groupName(uplink)])),
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
