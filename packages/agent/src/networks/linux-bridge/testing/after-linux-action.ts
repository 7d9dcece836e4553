/** What the kernel looks like after an action, by its documentation: lets plans be tried by the thousand. Pure. */
import { assert, assertNever } from "@muster/model";
import type { PortVlan } from "../../links/bridge-vlans.ts";
import type { BridgeSettings, KernelLink } from "../../links/kernel-links.ts";
import { idsOf } from "../../network-demand.ts";
import { aLink } from "../../testing/a-link.ts";
import { BRIDGE_GROUP, bridgeAlias, networkAltName } from "../linux-bridge-marks.ts";
import type { LinuxBridgeState } from "../linux-bridge-state.ts";
import type { LinuxBridgeAction } from "../plan-linux-bridge.ts";
import type { TapAction } from "../plan-tap.ts";

export const OUR_SETTINGS: BridgeSettings = {
  vlanFiltering: true,
  defaultPvid: 0,
  multicastSnooping: false,
  spanningTree: false,
};

export const tagged = (vlan: number): PortVlan => ({ vlan, isPvid: false, isUntagged: false });
export const untagged = (vlan: number): PortVlan => ({ vlan, isPvid: true, isUntagged: true });

type Change = (link: KernelLink) => KernelLink;

function changeLink(state: LinuxBridgeState, name: string, change: Change): LinuxBridgeState {
  const link = state.links.get(name);
  assert(link !== undefined, `there is no device ${name}`);
  return { ...state, links: new Map(state.links).set(name, change(link)) };
}

function addLink(state: LinuxBridgeState, link: KernelLink): LinuxBridgeState {
  assert(!state.links.has(link.name), `device ${link.name} exists`);
  return { ...state, links: new Map(state.links).set(link.name, link) };
}

function removeLink(state: LinuxBridgeState, name: string): LinuxBridgeState {
  assert(state.links.has(name), `there is no device ${name}`);
  const ports = [...state.links.values()].filter(({ master }) => master === name);
  const freed = ports.reduce((next, port) => release(next, port.name), state);
  const links = new Map([...freed.links].filter(([each]) => each !== name));
  return { links, vlans: new Map([...freed.vlans].filter(([each]) => each !== name)) };
}

function release(state: LinuxBridgeState, name: string): LinuxBridgeState {
  const freed = changeLink(state, name, ({ master: _master, ...link }) => link);
  return { ...freed, vlans: new Map([...freed.vlans].filter(([each]) => each !== name)) };
}

function enslave(state: LinuxBridgeState, name: string, bridge: string): LinuxBridgeState {
  assert(state.links.get(name)?.master === undefined, `${name} has a master`);
  return changeLink(state, name, (link) => ({ ...link, master: bridge }));
}

function setVlan(state: LinuxBridgeState, port: string, entry: PortVlan): LinuxBridgeState {
  assert(state.links.get(port)?.master !== undefined, `${port} is on no bridge`);
  // A port has one PVID: a new one takes over.
  const others = [...(state.vlans.get(port)?.values() ?? [])].map((each) =>
    entry.isPvid ? { ...each, isPvid: false } : each,
  );
  const vlans = new Map(others.map((each) => [each.vlan, each])).set(entry.vlan, entry);
  return { ...state, vlans: new Map(state.vlans).set(port, vlans) };
}

function dropVlan(state: LinuxBridgeState, port: string, vlan: number): LinuxBridgeState {
  const rest = [...(state.vlans.get(port) ?? [])].filter(([each]) => each !== vlan);
  return { ...state, vlans: new Map(state.vlans).set(port, new Map(rest)) };
}

const vlansOf = ({ vlan, last = vlan }: { vlan: number; last?: number }): readonly number[] =>
  idsOf([{ first: vlan, last }]);

const up: Change = (link) => ({ ...link, isUp: true });

export function afterLinuxBridgeAction(
  state: LinuxBridgeState,
  action: LinuxBridgeAction,
): LinuxBridgeState {
  switch (action.kind) {
    case "create-bridge": {
      const settings = { kind: "bridge", group: BRIDGE_GROUP, bridge: OUR_SETTINGS, isUp: false };
      return addLink(state, aLink(action.bridge, settings));
    }
    case "delete-bridge":
      return removeLink(state, action.bridge);
    case "mark-bridge": {
      const alias = bridgeAlias(action.uplink);
      return changeLink(state, action.bridge, (link) => ({ ...link, alias }));
    }
    case "correct-bridge":
      return changeLink(state, action.bridge, (link) => ({ ...link, bridge: OUR_SETTINGS }));
    case "attach-uplink":
      return enslave(state, action.uplink, action.bridge);
    case "detach-uplink":
      return release(state, action.uplink);
    case "raise-link":
      return changeLink(state, action.device, up);
    case "mark-network": {
      const altName = networkAltName(action.network);
      return changeLink(state, action.bridge, (link) => {
        assert(!link.altNames.includes(altName), `${altName} exists`);
        return { ...link, altNames: [...link.altNames, altName] };
      });
    }
    case "unmark-network": {
      const { altName } = action.mark;
      return changeLink(state, action.bridge, (link) => {
        assert(link.altNames.includes(altName), `${altName} does not exist`);
        return { ...link, altNames: link.altNames.filter((each) => each !== altName) };
      });
    }
    case "allow-vlan":
      return vlansOf(action).reduce(
        (next, vlan) =>
          setVlan(next, action.uplink, action.untagged === true ? untagged(vlan) : tagged(vlan)),
        state,
      );
    case "forbid-vlan":
      return vlansOf(action).reduce((next, vlan) => dropVlan(next, action.uplink, vlan), state);
    default:
      return assertNever(action);
  }
}

export function afterTapAction(state: LinuxBridgeState, action: TapAction): LinuxBridgeState {
  const { device } = action;
  switch (action.kind) {
    case "create-tap":
      return addLink(state, aLink(device, { kind: "tun", isUp: false }));
    case "dress-tap": {
      const { alias, macAddress, mtu } = action;
      return changeLink(state, device, (link) => ({ ...link, alias, macAddress, mtu }));
    }
    case "attach-tap": {
      // `ip link set master` moves a port from another bridge.
      const free = state.links.get(device)?.master === undefined ? state : release(state, device);
      return enslave(free, device, action.bridge);
    }
    case "put-tap-on-vlan":
      return vlansOf(action).reduce(
        (next, vlan) =>
          setVlan(next, device, action.tagged === true ? tagged(vlan) : untagged(vlan)),
        state,
      );
    case "take-tap-off-vlan":
      return dropVlan(state, device, action.vlan);
    case "raise-tap":
      return changeLink(state, device, up);
    case "remove-tap":
      return removeLink(state, device);
    default:
      return assertNever(action);
  }
}
