/**
 * Decides what to change so that our VLAN-aware bridge carries exactly the wanted networks. Pure.
 *
 * Order matters where the agent may be killed between two actions: a mark goes on before what it stands for and comes
 * off after it, so that nothing of ours is ever without one.
 */
import type { KernelLink } from "../links/kernel-links.ts";
import { isUntagged, rangesOf, sameDemand, type NetworkDemand } from "../network-demand.ts";
import {
  bridgeAlias,
  isOurBridge,
  networkMarks,
  isOurFoothold,
  uplinkOfAlias,
  type NetworkMark,
} from "./linux-bridge-marks.ts";
import {
  isAttached,
  lastingProblem,
  situationOf,
  type LinuxBridgeConfig,
  type Situation,
} from "./linux-bridge-problems.ts";
import type { LinuxBridgeState } from "./linux-bridge-state.ts";
import { bridgeVlansOf, isSameEntry, uplinkEntries } from "./port-frames.ts";

export type LinuxBridgeAction =
  | { readonly kind: "create-bridge"; readonly bridge: string }
  | {
      readonly kind: "mark-bridge";
      readonly bridge: string;
      readonly uplink: string | undefined;
    }
  /** VLAN filtering on, no VLAN by default, no spanning tree, no multicast snooping. */
  | { readonly kind: "correct-bridge"; readonly bridge: string }
  | { readonly kind: "delete-bridge"; readonly bridge: string }
  | { readonly kind: "attach-uplink"; readonly bridge: string; readonly uplink: string }
  | { readonly kind: "detach-uplink"; readonly bridge: string; readonly uplink: string }
  | { readonly kind: "raise-link"; readonly device: string }
  | { readonly kind: "mark-network"; readonly bridge: string; readonly network: NetworkDemand }
  | { readonly kind: "unmark-network"; readonly bridge: string; readonly mark: NetworkMark }
  | {
      readonly kind: "allow-vlan" | "forbid-vlan";
      readonly uplink: string;
      readonly vlan: number;
      /** Of a range. Absent: just the one. */
      readonly last?: number;
      /** True: what frames without a tag belong to. Absent: tagged. */
      readonly untagged?: true;
      readonly network: string;
    };

export interface LinuxBridgePlan {
  readonly actions: readonly LinuxBridgeAction[];
  /** Reasons by the name of the network. */
  readonly refusals: ReadonlyMap<string, string>;
}

export function planLinuxBridge(
  state: LinuxBridgeState,
  wanted: ReadonlyMap<string, NetworkDemand>,
  config: LinuxBridgeConfig,
): LinuxBridgePlan {
  const situation = situationOf(state, config);
  const refusals = new Map<string, string>();
  for (const network of wanted.values()) {
    const problem = lastingProblem(situation, network);
    if (problem !== undefined) refusals.set(network.name, problem);
  }
  const { bridge } = situation;
  if (bridge !== undefined && !isOurBridge(bridge)) return { actions: [], refusals };
  const accepted = [...wanted.values()].filter(({ name }) => !refusals.has(name));
  const marks = bridge === undefined ? [] : networkMarks(bridge);
  // A wanted network that was refused keeps the marks it has: its NICs may be in use.
  const stale = marks.filter((mark) => isStale(mark, wanted, refusals));
  const kept = marks.filter((mark) => !stale.includes(mark));
  const actions = [
    ...(accepted.length === 0 ? [] : planBridge(situation)),
    ...accepted.flatMap((network) => planNetwork(situation, network)),
    ...planStale(situation, stale, new Set([...kept, ...accepted].flatMap(bridgeVlansOf))),
    ...(wanted.size === 0 ? planRemoval(situation) : []),
  ];
  return { actions, refusals };
}

function isStale(
  mark: NetworkMark,
  wanted: ReadonlyMap<string, NetworkDemand>,
  refusals: ReadonlyMap<string, string>,
): boolean {
  const network = wanted.get(mark.name);
  if (network === undefined) return true;
  return !refusals.has(mark.name) && !sameDemand(mark, network);
}

function planBridge(situation: Situation): readonly LinuxBridgeAction[] {
  const { config, bridge } = situation;
  const actions: LinuxBridgeAction[] = [];
  if (bridge === undefined) actions.push({ kind: "create-bridge", bridge: config.bridge });
  else if (!hasOurSettings(bridge)) {
    actions.push({ kind: "correct-bridge", bridge: config.bridge });
  }
  actions.push(...planFormerUplink(situation));
  if (bridge?.alias !== bridgeAlias(config.uplink)) {
    actions.push({ kind: "mark-bridge", bridge: config.bridge, uplink: config.uplink });
  }
  actions.push(...planUplink(situation));
  if (bridge?.isUp !== true) actions.push({ kind: "raise-link", device: config.bridge });
  return actions;
}

const hasOurSettings = ({ bridge }: KernelLink): boolean =>
  bridge !== undefined &&
  bridge.vlanFiltering &&
  bridge.defaultPvid === 0 &&
  !bridge.multicastSnooping &&
  !bridge.spanningTree;

/** The configuration named another uplink before: two at once could close a loop. */
function planFormerUplink({ state, config, bridge }: Situation): readonly LinuxBridgeAction[] {
  const former = bridge === undefined ? undefined : uplinkOfAlias(bridge.alias);
  if (former === undefined || former === config.uplink) return [];
  if (state.links.get(former)?.master !== config.bridge) return [];
  return [{ kind: "detach-uplink", bridge: config.bridge, uplink: former }];
}

function planUplink(situation: Situation): readonly LinuxBridgeAction[] {
  const { config, uplink } = situation;
  if (uplink === undefined) return [];
  const actions: LinuxBridgeAction[] = [];
  if (!isAttached(situation)) {
    actions.push({ kind: "attach-uplink", bridge: config.bridge, uplink: uplink.name });
  }
  if (!uplink.isUp) actions.push({ kind: "raise-link", device: uplink.name });
  return actions;
}

function planNetwork(situation: Situation, network: NetworkDemand): readonly LinuxBridgeAction[] {
  const { state, config, bridge, uplink } = situation;
  const { name } = network;
  const actions: LinuxBridgeAction[] = [];
  const marks = bridge === undefined ? [] : networkMarks(bridge);
  if (!marks.some((mark) => mark.name === name && sameDemand(mark, network))) {
    actions.push({ kind: "mark-network", bridge: config.bridge, network });
  }
  if (uplink === undefined) return actions;
  const carried = isAttached(situation) ? state.vlans.get(uplink.name) : undefined;
  const missing = uplinkEntries(network).filter(
    (wanted) => !isSameEntry(carried?.get(wanted.vlan), wanted),
  );
  const vlans = missing.map(({ vlan }) => vlan);
  return [
    ...actions,
    ...planVlans("allow-vlan", { uplink: uplink.name, vlans, network: name }).map((action) =>
      isUntagged(network) ? { ...action, untagged: true as const } : action,
    ),
  ];
}

type VlanAction = Extract<LinuxBridgeAction, { kind: "allow-vlan" | "forbid-vlan" }>;

/** One action for each range. */
function planVlans(
  kind: VlanAction["kind"],
  on: { readonly uplink: string; readonly vlans: readonly number[]; readonly network: string },
): readonly VlanAction[] {
  const { uplink, vlans, network } = on;
  return rangesOf(vlans.toSorted((left, right) => left - right)).map(({ first, last }) => ({
    kind,
    uplink,
    vlan: first,
    ...(last === first ? {} : { last }),
    network,
  }));
}

/** Takes off what no wanted network needs; a VLAN that another one rides on stays. */
function planStale(
  situation: Situation,
  stale: readonly NetworkMark[],
  neededVlans: ReadonlySet<number>,
): readonly LinuxBridgeAction[] {
  const { state, config, uplink } = situation;
  const carried = isAttached(situation) ? state.vlans.get(config.uplink ?? "") : undefined;
  const forbidden = new Set<number>();
  const actions: LinuxBridgeAction[] = [];
  for (const mark of stale) {
    if (uplink === undefined) continue;
    const vlans = bridgeVlansOf(mark).filter(
      (vlan) => !neededVlans.has(vlan) && !forbidden.has(vlan) && carried?.has(vlan) === true,
    );
    for (const vlan of vlans) forbidden.add(vlan);
    actions.push(...planVlans("forbid-vlan", { uplink: uplink.name, vlans, network: mark.name }));
  }
  const unmarked = stale.map(
    (mark) => ({ kind: "unmark-network", bridge: config.bridge, mark }) as const,
  );
  return [...actions, ...unmarked];
}

/** With the last network goes our bridge, unless VMs or somebody else still have ports on it. */
function planRemoval({ state, config, bridge }: Situation): readonly LinuxBridgeAction[] {
  if (bridge === undefined) return [];
  const uplink = uplinkOfAlias(bridge.alias);
  const others = [...state.links.values()].filter(
    (link) => link.master === bridge.name && link.name !== uplink && !isOurFoothold(link),
  );
  return others.length > 0 ? [] : [{ kind: "delete-bridge", bridge: config.bridge }];
}
