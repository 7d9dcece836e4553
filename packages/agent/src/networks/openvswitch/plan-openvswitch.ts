/**
 * Decides what to change so that Open vSwitch carries exactly the wanted networks. Pure.
 *
 * A network needs no port of its own here: libvirt tags each NIC's port. So a network is a mark on the bridge, and
 * the rest is making certain that the bridge works and that its uplink carries the VLAN. A bridge that somebody else
 * made gets our marks and nothing more.
 */
import { sameDemand, type NetworkDemand } from "../network-demand.ts";
import { isOurBridge, isOurFoothold, isOurUplink, markedNetworks } from "./openvswitch-marks.ts";
import {
  lastingProblem,
  ownInterface,
  situationOf,
  type OpenvswitchConfig,
  type Situation,
} from "./openvswitch-problems.ts";
import type { OpenvswitchState } from "./openvswitch-state.ts";

export type OpenvswitchAction =
  | {
      readonly kind: "create-bridge";
      readonly bridge: string;
      readonly datapath: OpenvswitchConfig["datapath"];
    }
  | { readonly kind: "delete-bridge"; readonly bridge: string }
  | { readonly kind: "add-uplink"; readonly bridge: string; readonly uplink: string }
  | { readonly kind: "remove-uplink"; readonly bridge: string; readonly uplink: string }
  | { readonly kind: "carry-every-vlan"; readonly uplink: string }
  | { readonly kind: "raise-link"; readonly device: string }
  | { readonly kind: "set-bridge-mtu"; readonly bridge: string; readonly mtu: number }
  | { readonly kind: "mark-network"; readonly bridge: string; readonly network: NetworkDemand }
  | { readonly kind: "unmark-network"; readonly bridge: string; readonly network: string };

export interface OpenvswitchPlan {
  readonly actions: readonly OpenvswitchAction[];
  /** Reasons by the name of the network. */
  readonly refusals: ReadonlyMap<string, string>;
}

export function planOpenvswitch(
  state: OpenvswitchState,
  wanted: ReadonlyMap<string, NetworkDemand>,
  config: OpenvswitchConfig,
): OpenvswitchPlan {
  const situation = situationOf(state, config);
  const refusals = new Map<string, string>();
  for (const network of wanted.values()) {
    const problem = lastingProblem(situation, network);
    if (problem !== undefined) refusals.set(network.name, problem);
  }
  const accepted = [...wanted.values()].filter(({ name }) => !refusals.has(name));
  const actions = [
    ...(accepted.length === 0 ? [] : planBridge(situation, accepted)),
    ...planMarks(situation, accepted, wanted),
    ...(wanted.size === 0 ? planRemoval(situation) : []),
  ];
  return { actions, refusals };
}

/** Makes our own bridge work; somebody else's is left as it is. */
function planBridge(
  situation: Situation,
  accepted: readonly NetworkDemand[],
): readonly OpenvswitchAction[] {
  const { config, bridge } = situation;
  if (bridge !== undefined && !isOurBridge(bridge)) return [];
  const created: readonly OpenvswitchAction[] =
    bridge === undefined
      ? [{ kind: "create-bridge", bridge: config.bridge, datapath: config.datapath }]
      : [];
  return [
    ...created,
    ...planFormerUplinks(situation),
    ...planUplink(situation),
    ...planBridgePort(situation, accepted),
  ];
}

/** The configuration named another uplink before: two at once could close a loop. */
function planFormerUplinks({ config, bridge }: Situation): readonly OpenvswitchAction[] {
  return [...(bridge?.ports.values() ?? [])]
    .filter((port) => isOurUplink(port) && port.name !== config.uplink)
    .map((port) => ({ kind: "remove-uplink", bridge: config.bridge, uplink: port.name }));
}

function planUplink({ state, config, port }: Situation): readonly OpenvswitchAction[] {
  const { uplink } = config;
  if (uplink === undefined) return [];
  if (port !== undefined && !isOurUplink(port)) return [];
  const actions: OpenvswitchAction[] = [];
  if (port === undefined) actions.push({ kind: "add-uplink", bridge: config.bridge, uplink });
  else if (port.tag !== undefined || port.trunks.length > 0 || port.vlanMode !== "") {
    actions.push({ kind: "carry-every-vlan", uplink });
  }
  if (state.links.get(uplink)?.isUp === false) actions.push({ kind: "raise-link", device: uplink });
  return actions;
}

/** Open vSwitch lowers a bridge's own MTU to its smallest port's unless it is asked for one. */
function planBridgePort(
  { state, config, bridge }: Situation,
  accepted: readonly NetworkDemand[],
): readonly OpenvswitchAction[] {
  const mtu = Math.max(...accepted.map((network) => network.mtu));
  const asked = bridge === undefined ? undefined : ownInterface(bridge)?.mtuRequest;
  const actions: OpenvswitchAction[] = [];
  if (asked !== mtu) actions.push({ kind: "set-bridge-mtu", bridge: config.bridge, mtu });
  // A bridge may have no device of its own in the kernel; one that we are about to create has.
  if (bridge === undefined || state.links.get(config.bridge)?.isUp === false) {
    actions.push({ kind: "raise-link", device: config.bridge });
  }
  return actions;
}

function planMarks(
  { config, bridge }: Situation,
  accepted: readonly NetworkDemand[],
  wanted: ReadonlyMap<string, NetworkDemand>,
): readonly OpenvswitchAction[] {
  const marked = bridge === undefined ? new Map<string, NetworkDemand>() : markedNetworks(bridge);
  const added = accepted
    .filter((network) => {
      const mark = marked.get(network.name);
      return mark === undefined || !sameDemand(mark, network);
    })
    .map((network) => ({ kind: "mark-network", bridge: config.bridge, network }) as const);
  // A wanted network that was refused keeps the mark it has: its NICs may be in use.
  const removed = [...marked.keys()]
    .filter((name) => !wanted.has(name))
    .map((network) => ({ kind: "unmark-network", bridge: config.bridge, network }) as const);
  return [...added, ...removed];
}

/** With the last network goes our bridge, unless somebody put ports on it. */
function planRemoval({ config, bridge }: Situation): readonly OpenvswitchAction[] {
  if (bridge === undefined || !isOurBridge(bridge)) return [];
  const foreign = [...bridge.ports.values()].filter(
    (port) => port.name !== bridge.name && !isOurUplink(port) && !isOurFoothold(port),
  );
  return foreign.length > 0 ? [] : [{ kind: "delete-bridge", bridge: config.bridge }];
}
