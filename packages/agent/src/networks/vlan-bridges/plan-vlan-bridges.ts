/**
 * Decides what to change so that each VLAN of one uplink has exactly the bridge it needs. Pure.
 *
 * A mark goes on right after what it stands for is made, and comes off after it is gone.
 */
import type { BridgeGroup } from "../bridging.ts";
import {
  isOurFoothold,
  networkMarks,
  type NetworkMark,
} from "../linux-bridge/linux-bridge-marks.ts";
import type { KernelLink } from "../links/kernel-links.ts";
import { sameDemand, type NetworkDemand } from "../network-demand.ts";
import {
  isOurVlanPort,
  vlanBridgeAlias,
  vlanBridgeMark,
  vlanBridgeName,
  vlanPortAlias,
  vlanPortName,
} from "./vlan-bridge-marks.ts";
import { lastingProblem, type Links } from "./vlan-bridge-problems.ts";

export type VlanBridgeAction = (
  | { readonly kind: "create-bridge"; readonly bridge: string }
  | { readonly kind: "delete-link"; readonly device: string }
  | {
      readonly kind: "create-port";
      readonly device: string;
      readonly uplink: string;
      readonly vlan: number;
    }
  | { readonly kind: "mark-link"; readonly device: string; readonly alias: string }
  | { readonly kind: "attach"; readonly device: string; readonly bridge: string }
  | { readonly kind: "detach"; readonly device: string }
  | { readonly kind: "set-mtu"; readonly device: string; readonly mtu: number }
  | { readonly kind: "raise-link"; readonly device: string }
  | { readonly kind: "mark-network"; readonly bridge: string; readonly demand: NetworkDemand }
  | { readonly kind: "unmark-network"; readonly bridge: string; readonly mark: NetworkMark }
) & { readonly network: string };

export interface VlanBridgesPlan {
  readonly actions: readonly VlanBridgeAction[];
  /** Reasons by the name of the network. */
  readonly refusals: ReadonlyMap<string, string>;
}

export function planVlanBridges(
  links: Links,
  wanted: ReadonlyMap<string, NetworkDemand>,
  group: BridgeGroup,
): VlanBridgesPlan {
  const refusals = new Map<string, string>();
  for (const network of wanted.values()) {
    const problem = lastingProblem(links, network, group);
    if (problem !== undefined) refusals.set(network.name, problem);
  }
  const accepted = [...wanted.values()].filter(({ name }) => !refusals.has(name));
  const ours = [...links.values()].filter((link) => vlanBridgeMark(link)?.stem === group.bridge);
  const isStale = (mark: NetworkMark): boolean => {
    const network = wanted.get(mark.name);
    if (network === undefined) return true;
    return !refusals.has(mark.name) && !sameDemand(mark, network);
  };
  // A wanted network that was refused keeps what it has: its NICs may be in use.
  const kept = ours.flatMap((bridge) => networkMarks(bridge).filter((mark) => !isStale(mark)));
  const needed = new Set([...accepted, ...kept].map(({ vlan }) => vlan));
  return {
    actions: [
      ...ours.flatMap((bridge) => planRemoval(links, bridge, needed)),
      // Networks may share a VLAN: the first of them makes its bridge.
      ...accepted.flatMap((network, index) => {
        const isFirst = accepted.findIndex(({ vlan }) => vlan === network.vlan) === index;
        return isFirst ? planNetwork(links, network, group) : planMark(links, network, group);
      }),
      ...ours.flatMap((bridge) => {
        const isGone = !needed.has(vlanBridgeMark(bridge)?.vlan ?? -1) && isBare(links, bridge);
        if (isGone) return [];
        return networkMarks(bridge)
          .filter(isStale)
          .map((mark) => unmark(bridge, mark));
      }),
    ],
    refusals,
  };
}

const unmark = ({ name: bridge }: KernelLink, mark: NetworkMark) =>
  ({ kind: "unmark-network", bridge, mark, network: mark.name }) as const;

/** Nobody but our own port and the uplink is on it. */
function isBare(links: Links, bridge: KernelLink): boolean {
  const uplink = vlanBridgeMark(bridge)?.uplink;
  const ports = [...links.values()].filter(({ master }) => master === bridge.name);
  return ports.every((link) => isOurVlanPort(link) || isOurFoothold(link) || link.name === uplink);
}

/** A VLAN that no network needs leaves the uplink; its bridge goes too, unless VMs have ports on it. */
function planRemoval(
  links: Links,
  bridge: KernelLink,
  needed: ReadonlySet<number>,
): readonly VlanBridgeAction[] {
  const mark = vlanBridgeMark(bridge);
  if (mark === undefined || needed.has(mark.vlan)) return [];
  const network = networkMarks(bridge)[0]?.name ?? bridge.name;
  const port = links.get(vlanPortName(mark.stem, mark.vlan));
  const actions: VlanBridgeAction[] = [];
  if (port !== undefined && isOurVlanPort(port)) {
    actions.push({ kind: "delete-link", device: port.name, network });
  }
  if (mark.uplink !== undefined && links.get(mark.uplink)?.master === bridge.name) {
    actions.push({ kind: "detach", device: mark.uplink, network });
  }
  if (isBare(links, bridge)) actions.push({ kind: "delete-link", device: bridge.name, network });
  return actions;
}

function planNetwork(
  links: Links,
  demand: NetworkDemand,
  { bridge: stem, uplink }: BridgeGroup,
): readonly VlanBridgeAction[] {
  const { name: network, vlan } = demand;
  const bridge = vlanBridgeName(stem, vlan);
  const link = links.get(bridge);
  const alias = vlanBridgeAlias({ stem, vlan, uplink });
  const former = link === undefined ? undefined : vlanBridgeMark(link)?.uplink;
  const actions: VlanBridgeAction[] = [];
  if (link === undefined) actions.push({ kind: "create-bridge", bridge, network });
  if (former !== undefined && former !== uplink && links.get(former)?.master === bridge) {
    actions.push({ kind: "detach", device: former, network });
  }
  if (link?.alias !== alias) actions.push({ kind: "mark-link", device: bridge, alias, network });
  actions.push(...planMark(links, demand, { bridge: stem, uplink }));
  actions.push(...planPort(links, { stem, vlan, uplink, bridge, network }));
  if (link?.isUp !== true) actions.push({ kind: "raise-link", device: bridge, network });
  return actions;
}

function planMark(
  links: Links,
  demand: NetworkDemand,
  { bridge: stem }: BridgeGroup,
): readonly VlanBridgeAction[] {
  const { name: network, vlan } = demand;
  const bridge = vlanBridgeName(stem, vlan);
  const link = links.get(bridge);
  const marks = link === undefined ? [] : networkMarks(link);
  if (marks.some((mark) => mark.name === network && sameDemand(mark, demand))) return [];
  return [{ kind: "mark-network", bridge, demand, network }];
}

interface PortDemand {
  readonly stem: string;
  readonly vlan: number;
  readonly uplink: string | undefined;
  readonly bridge: string;
  readonly network: string;
}

function planPort(links: Links, demand: PortDemand): readonly VlanBridgeAction[] {
  const { stem, vlan, uplink, bridge, network } = demand;
  const device = vlanPortName(stem, vlan);
  const link = links.get(device);
  const isWrong = link !== undefined && (vlan === 0 || link.vlanOn?.device !== uplink);
  const actions: VlanBridgeAction[] = isWrong ? [{ kind: "delete-link", device, network }] : [];
  if (uplink === undefined) return actions;
  const below = links.get(uplink);
  if (below?.isUp === false) actions.push({ kind: "raise-link", device: uplink, network });
  if (vlan === 0) {
    if (below?.master !== bridge) actions.push({ kind: "attach", device: uplink, bridge, network });
    return actions;
  }
  const there = isWrong ? undefined : link;
  if (there === undefined) actions.push({ kind: "create-port", device, uplink, vlan, network });
  if (there?.alias !== vlanPortAlias) {
    actions.push({ kind: "mark-link", device, alias: vlanPortAlias, network });
  }
  // The kernel lowers it with the uplink, but does not raise it.
  if (there !== undefined && below !== undefined && there.mtu !== below.mtu) {
    actions.push({ kind: "set-mtu", device, mtu: below.mtu, network });
  }
  if (there?.master !== bridge) actions.push({ kind: "attach", device, bridge, network });
  if (there?.isUp !== true) actions.push({ kind: "raise-link", device, network });
  return actions;
}
