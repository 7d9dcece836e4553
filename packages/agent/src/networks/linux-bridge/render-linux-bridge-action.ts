/** Actions on a Linux bridge as the iproute2 commands that carry them out. Pure. */
import { assertNever } from "@muster/model";
import { describeFrames } from "../network-demand.ts";
import type { PlannedAction } from "../network-driver.ts";
import { BRIDGE_GROUP, bridgeAlias, networkAltName } from "./linux-bridge-marks.ts";
import type { LinuxBridgeAction } from "./plan-linux-bridge.ts";

/**
 * No VLAN by default: a port that nobody tagged reaches nobody. No multicast snooping: it has one querier for all
 * VLANs, and would stop multicast, IPv6 neighbour discovery too, in those the querier is not in. No spanning tree:
 * there is one uplink.
 */
const BRIDGE_SETTINGS: readonly string[] = [
  ...["vlan_filtering", "1"],
  ...["vlan_default_pvid", "0"],
  ...["mcast_snooping", "0"],
  ...["stp_state", "0"],
];

const VLAN_HINT =
  "the kernel must support VLAN-aware bridges (CONFIG_BRIDGE_VLAN_FILTERING); use Open vSwitch where it does not";

const setLink = (device: string, ...words: readonly string[]): readonly string[] => [
  ...["ip", "link", "set", "dev", device],
  ...words,
];

export function renderLinuxBridgeAction(action: LinuxBridgeAction): PlannedAction {
  switch (action.kind) {
    case "create-bridge":
    case "delete-bridge":
    case "correct-bridge":
    case "mark-bridge":
      return renderBridge(action);
    case "attach-uplink":
      return {
        summary: `add uplink ${action.uplink} to bridge ${action.bridge}`,
        commands: [setLink(action.uplink, "master", action.bridge)],
      };
    case "detach-uplink":
      return {
        summary: `take uplink ${action.uplink} off bridge ${action.bridge}`,
        commands: [setLink(action.uplink, "nomaster")],
      };
    case "raise-link":
      return { summary: `set ${action.device} up`, commands: [setLink(action.device, "up")] };
    case "mark-network":
    case "unmark-network":
      return renderMark(action);
    case "allow-vlan":
    case "forbid-vlan":
      return renderVlan(action);
    default:
      return assertNever(action);
  }
}

type BridgeAction = Extract<
  LinuxBridgeAction,
  { kind: "create-bridge" | "delete-bridge" | "correct-bridge" | "mark-bridge" }
>;

function renderBridge(action: BridgeAction): PlannedAction {
  const { bridge } = action;
  switch (action.kind) {
    case "create-bridge": {
      const link = ["ip", "link", "add", "name", bridge, "group", BRIDGE_GROUP, "type", "bridge"];
      return {
        summary: `create VLAN-aware bridge ${bridge}`,
        commands: [[...link, ...BRIDGE_SETTINGS]],
        hint: VLAN_HINT,
      };
    }
    case "delete-bridge":
      return {
        summary: `delete bridge ${bridge}`,
        commands: [["ip", "link", "del", "dev", bridge, "type", "bridge"]],
      };
    case "correct-bridge":
      return {
        summary: `make bridge ${bridge} VLAN-aware`,
        commands: [setLink(bridge, "type", "bridge", ...BRIDGE_SETTINGS)],
        hint: VLAN_HINT,
      };
    case "mark-bridge":
      return {
        summary: `mark bridge ${bridge} as made by muster`,
        commands: [setLink(bridge, "alias", bridgeAlias(action.uplink))],
      };
    default:
      return assertNever(action);
  }
}

type MarkAction = Extract<LinuxBridgeAction, { kind: "mark-network" | "unmark-network" }>;

function renderMark(action: MarkAction): PlannedAction {
  const { bridge } = action;
  const property = (verb: string, altName: string): readonly string[] => [
    ...["ip", "link", "property", verb, "dev", bridge, "altname", altName],
  ];
  if (action.kind === "unmark-network") {
    const { name, altName } = action.mark;
    return {
      summary: `remove network ${name} from bridge ${bridge}`,
      commands: [property("del", altName)],
      network: name,
    };
  }
  const { name } = action.network;
  return {
    summary: `put network ${name} (${describeFrames(action.network)}) on bridge ${bridge}`,
    commands: [property("add", networkAltName(action.network))],
    network: name,
  };
}

type VlanAction = Extract<LinuxBridgeAction, { kind: "allow-vlan" | "forbid-vlan" }>;

function renderVlan({ kind, uplink, vlan, last, untagged, network }: VlanAction): PlannedAction {
  const isAllowed = kind === "allow-vlan";
  const verb = isAllowed ? "add" : "del";
  const ids = last === undefined ? String(vlan) : `${String(vlan)}-${String(last)}`;
  const frames = untagged === true ? "untagged frames" : `VLAN ${ids}`;
  const flags = untagged === true ? ["pvid", "untagged"] : [];
  return {
    summary: isAllowed
      ? `let uplink ${uplink} carry ${frames}`
      : `stop uplink ${uplink} from carrying ${frames}`,
    commands: [["bridge", "vlan", verb, "dev", uplink, "vid", ids, ...flags]],
    network,
  };
}
