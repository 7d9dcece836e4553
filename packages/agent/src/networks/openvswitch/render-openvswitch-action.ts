/** Actions on Open vSwitch as the commands that carry them out. Pure. Every command may be repeated. */
import { assertNever } from "@muster/model";
import { describeFrames } from "../network-demand.ts";
import type { PlannedAction } from "../network-driver.ts";
import { BRIDGE_MARK, UPLINK_MARK, networkKey, networkValue } from "./openvswitch-marks.ts";
import { OVS_VSCTL } from "./openvswitch-state.ts";
import type { OpenvswitchAction } from "./plan-openvswitch.ts";

type Command = readonly string[];

/** A string as OVSDB reads it: keys and values with ':' or '=' need the quotes. */
const quoted = (text: string): string => JSON.stringify(text);

const externalId = (key: string, value: string): string =>
  `external_ids:${quoted(key)}=${quoted(value)}`;

/** Several ovs-vsctl commands in one transaction. */
const transaction = (...commands: readonly Command[]): Command => [
  ...OVS_VSCTL,
  ...commands.flatMap((command) => ["--", ...command]),
];

export function renderOpenvswitchAction(action: OpenvswitchAction): PlannedAction {
  switch (action.kind) {
    case "create-bridge":
      return {
        summary: `create Open vSwitch bridge ${action.bridge}`,
        commands: [createBridge(action)],
        hint: "Open vSwitch must run on this host: systemctl status openvswitch-switch",
      };
    case "delete-bridge":
      return {
        summary: `delete Open vSwitch bridge ${action.bridge}`,
        commands: [transaction(["--if-exists", "del-br", action.bridge])],
      };
    case "add-uplink":
      return {
        summary: `add uplink ${action.uplink} to bridge ${action.bridge}`,
        commands: [addUplink(action)],
      };
    case "remove-uplink":
      return {
        summary: `take uplink ${action.uplink} off bridge ${action.bridge}`,
        commands: [transaction(["--if-exists", "del-port", action.bridge, action.uplink])],
      };
    case "carry-every-vlan":
      return {
        summary: `let uplink ${action.uplink} carry every VLAN`,
        commands: [transaction(["clear", "Port", action.uplink, "tag", "trunks", "vlan_mode"])],
      };
    case "raise-link":
      return {
        summary: `set ${action.device} up`,
        commands: [["ip", "link", "set", "dev", action.device, "up"]],
      };
    case "set-bridge-mtu":
      return renderBridgeMtu(action);
    case "mark-network":
    case "unmark-network":
      return renderMark(action);
    default:
      return assertNever(action);
  }
}

function createBridge({
  bridge,
  datapath,
}: Extract<OpenvswitchAction, { kind: "create-bridge" }>): Command {
  const mark = externalId(BRIDGE_MARK.key, BRIDGE_MARK.value);
  return transaction(
    ["--may-exist", "add-br", bridge],
    ["set", "Bridge", bridge, `datapath_type=${datapath}`, mark],
  );
}

function addUplink({
  bridge,
  uplink,
}: Extract<OpenvswitchAction, { kind: "add-uplink" }>): Command {
  const mark = externalId(UPLINK_MARK.key, UPLINK_MARK.value);
  return transaction(["--may-exist", "add-port", bridge, uplink], ["set", "Port", uplink, mark]);
}

function renderBridgeMtu({
  bridge,
  mtu,
}: Extract<OpenvswitchAction, { kind: "set-bridge-mtu" }>): PlannedAction {
  const request = `mtu_request=${String(mtu)}`;
  return {
    summary: `set MTU of bridge ${bridge} to ${String(mtu)}`,
    commands: [transaction(["set", "Interface", bridge, request])],
  };
}

function renderMark(
  action: Extract<OpenvswitchAction, { kind: "mark-network" | "unmark-network" }>,
): PlannedAction {
  const { bridge } = action;
  if (action.kind === "unmark-network") {
    const key = quoted(networkKey(action.network));
    return {
      summary: `remove network ${action.network} from bridge ${bridge}`,
      commands: [transaction(["remove", "Bridge", bridge, "external_ids", key])],
      network: action.network,
    };
  }
  const { name } = action.network;
  return {
    summary: `put network ${name} (${describeFrames(action.network)}) on bridge ${bridge}`,
    commands: [
      transaction([
        "set",
        "Bridge",
        bridge,
        externalId(networkKey(name), networkValue(action.network)),
      ]),
    ],
    network: name,
  };
}
