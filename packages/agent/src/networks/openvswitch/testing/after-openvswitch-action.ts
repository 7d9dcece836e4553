/** What Open vSwitch looks like after an action, by its manual: lets plans be tried by the thousand. Pure. */
import { assert, assertNever } from "@muster/model";
import { aLink } from "../../testing/a-link.ts";
import { BRIDGE_MARK, UPLINK_MARK, networkKey, networkValue } from "../openvswitch-marks.ts";
import type {
  OpenvswitchBridge,
  OpenvswitchInterface,
  OpenvswitchPort,
  OpenvswitchState,
} from "../openvswitch-state.ts";
import type { OpenvswitchAction } from "../plan-openvswitch.ts";

export const anInterface = (
  name: string,
  change: Partial<OpenvswitchInterface> = {},
): OpenvswitchInterface => ({
  name,
  externalIds: new Map(),
  isUp: true,
  hasCarrier: true,
  mtu: 1500,
  mtuRequest: undefined,
  error: "",
  portNumber: 1,
  ...change,
});

export const aPort = (name: string, change: Partial<OpenvswitchPort> = {}): OpenvswitchPort => ({
  name,
  externalIds: new Map(),
  tag: undefined,
  trunks: [],
  vlanMode: "",
  interfaces: [anInterface(name)],
  ...change,
});

export const portsOf = (ports: readonly OpenvswitchPort[]): ReadonlyMap<string, OpenvswitchPort> =>
  new Map(ports.map((port) => [port.name, port]));

function changeBridge(
  state: OpenvswitchState,
  name: string,
  change: (bridge: OpenvswitchBridge) => OpenvswitchBridge,
): OpenvswitchState {
  const bridge = state.bridges.get(name);
  assert(bridge !== undefined, `there is no bridge ${name}`);
  return { ...state, bridges: new Map(state.bridges).set(name, change(bridge)) };
}

/** Wherever it is: ports have one name in the whole database. */
function changePort(
  state: OpenvswitchState,
  name: string,
  change: (port: OpenvswitchPort) => OpenvswitchPort,
): OpenvswitchState {
  for (const bridge of state.bridges.values()) {
    const port = bridge.ports.get(name);
    if (port === undefined) continue;
    const ports = new Map(bridge.ports).set(name, change(port));
    return changeBridge(state, bridge.name, (old) => ({ ...old, ports }));
  }
  throw new Error(`there is no port ${name}`);
}

function without<Value>(map: ReadonlyMap<string, Value>, key: string): ReadonlyMap<string, Value> {
  return new Map([...map].filter(([each]) => each !== key));
}

export function afterOpenvswitchAction(
  state: OpenvswitchState,
  action: OpenvswitchAction,
): OpenvswitchState {
  switch (action.kind) {
    case "create-bridge": {
      const { bridge: name } = action;
      assert(!state.bridges.has(name), `bridge ${name} exists`);
      const ports = portsOf([aPort(name, { interfaces: [anInterface(name)] })]);
      const externalIds = new Map([[BRIDGE_MARK.key, BRIDGE_MARK.value]]);
      return {
        bridges: new Map(state.bridges).set(name, { name, externalIds, ports }),
        links: new Map(state.links).set(name, aLink(name, { isUp: false })),
      };
    }
    case "delete-bridge":
      return {
        bridges: without(state.bridges, action.bridge),
        links: without(state.links, action.bridge),
      };
    case "add-uplink": {
      const { uplink } = action;
      const isTaken = [...state.bridges.values()].some(({ ports }) => ports.has(uplink));
      assert(!isTaken, `port ${uplink} exists`);
      const externalIds = new Map([[UPLINK_MARK.key, UPLINK_MARK.value]]);
      const port = aPort(uplink, { externalIds });
      return changeBridge(state, action.bridge, (bridge) => ({
        ...bridge,
        ports: new Map(bridge.ports).set(uplink, port),
      }));
    }
    case "remove-uplink":
      return changeBridge(state, action.bridge, (bridge) => ({
        ...bridge,
        ports: without(bridge.ports, action.uplink),
      }));
    case "carry-every-vlan":
      return changePort(state, action.uplink, (port) => ({
        ...port,
        tag: undefined,
        trunks: [],
        vlanMode: "",
      }));
    case "raise-link": {
      const link = state.links.get(action.device);
      assert(link !== undefined, `there is no device ${action.device}`);
      return { ...state, links: new Map(state.links).set(link.name, { ...link, isUp: true }) };
    }
    case "set-bridge-mtu":
      return changePort(state, action.bridge, (port) => ({
        ...port,
        interfaces: port.interfaces.map((each) => ({ ...each, mtuRequest: action.mtu })),
      }));
    case "mark-network":
      return changeBridge(state, action.bridge, (bridge) => ({
        ...bridge,
        externalIds: new Map(bridge.externalIds).set(
          networkKey(action.network.name),
          networkValue(action.network),
        ),
      }));
    case "unmark-network":
      return changeBridge(state, action.bridge, (bridge) => ({
        ...bridge,
        externalIds: without(bridge.externalIds, networkKey(action.network)),
      }));
    default:
      return assertNever(action);
  }
}
