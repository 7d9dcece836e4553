/** Actions on bridges of one VLAN each as the iproute2 commands that carry them out. Pure. */
import { assertNever } from "@muster/model";
import { DEVICE_GROUP } from "../devices/device-marks.ts";
import { networkAltName } from "../linux-bridge/linux-bridge-marks.ts";
import { describeFrames } from "../network-demand.ts";
import type { PlannedAction } from "../network-driver.ts";
import type { VlanBridgeAction } from "./plan-vlan-bridges.ts";

const setLink = (device: string, ...words: readonly string[]): readonly string[] => [
  ...["ip", "link", "set", "dev", device],
  ...words,
];

const property = (verb: string, device: string, altName: string): readonly string[] => [
  ...["ip", "link", "property", verb, "dev", device, "altname", altName],
];

export function renderVlanBridgeAction(action: VlanBridgeAction): PlannedAction {
  return { ...rendered(action), network: action.network };
}

function rendered(action: VlanBridgeAction): PlannedAction {
  switch (action.kind) {
    case "create-bridge":
    case "create-port":
      return creation(action);
    case "delete-link":
      return {
        summary: `delete ${action.device}`,
        commands: [["ip", "link", "del", "dev", action.device]],
      };
    case "mark-link":
      return {
        summary: `mark ${action.device} as made by muster`,
        commands: [setLink(action.device, "alias", action.alias)],
      };
    case "attach":
      return {
        summary: `add ${action.device} to bridge ${action.bridge}`,
        commands: [setLink(action.device, "master", action.bridge)],
      };
    case "detach":
      return {
        summary: `take ${action.device} off its bridge`,
        commands: [setLink(action.device, "nomaster")],
      };
    case "set-mtu":
      return {
        summary: `set MTU of ${action.device} to ${String(action.mtu)}`,
        commands: [setLink(action.device, "mtu", String(action.mtu))],
      };
    case "raise-link":
      return { summary: `set ${action.device} up`, commands: [setLink(action.device, "up")] };
    case "mark-network":
      return {
        summary: `put network ${action.network} (${describeFrames(action.demand)}) on bridge ${action.bridge}`,
        commands: [property("add", action.bridge, networkAltName(action.demand))],
      };
    case "unmark-network":
      return {
        summary: `remove network ${action.network} from bridge ${action.bridge}`,
        commands: [property("del", action.bridge, action.mark.altName)],
      };
    default:
      return assertNever(action);
  }
}

/** No multicast snooping and no spanning tree, as on our other bridges. */
function creation(
  action: Extract<VlanBridgeAction, { kind: "create-bridge" | "create-port" }>,
): PlannedAction {
  if (action.kind === "create-bridge") {
    const link = ["ip", "link", "add", "name", action.bridge, "group", DEVICE_GROUP];
    return {
      summary: `create bridge ${action.bridge}`,
      commands: [[...link, "type", "bridge", "mcast_snooping", "0", "stp_state", "0"]],
    };
  }
  const { device, uplink, vlan } = action;
  const link = ["ip", "link", "add", "link", uplink, "name", device, "group", DEVICE_GROUP];
  return {
    summary: `create ${device} for VLAN ${String(vlan)} of uplink ${uplink}`,
    commands: [[...link, "type", "vlan", "id", String(vlan)]],
    hint: "the kernel must support 802.1Q (CONFIG_VLAN_8021Q): modprobe 8021q",
  };
}
