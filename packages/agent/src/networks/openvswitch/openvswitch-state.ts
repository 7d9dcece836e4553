/** What Open vSwitch's database says, as far as networks need it. Pure. */
import { MusterError } from "@muster/model";
import { parseKernelLinks, type KernelLink } from "../links/kernel-links.ts";
import {
  mapColumn,
  numbersColumn,
  optionalNumberColumn,
  optionalTextColumn,
  parseOvsdbTables,
  textColumn,
  uuidsColumn,
  type OvsdbRow,
} from "./ovsdb-table.ts";

export interface OpenvswitchInterface {
  readonly name: string;
  readonly externalIds: ReadonlyMap<string, string>;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  readonly mtu: number | undefined;
  readonly mtuRequest: number | undefined;
  /** ovs-vswitchd's words; "" when the port works. */
  readonly error: string;
  /** Undefined until ovs-vswitchd has made the port. */
  readonly portNumber: number | undefined;
}

export interface OpenvswitchPort {
  readonly name: string;
  readonly externalIds: ReadonlyMap<string, string>;
  readonly tag: number | undefined;
  /** Empty: every VLAN. */
  readonly trunks: readonly number[];
  /** "access", "trunk", "native-tagged", "native-untagged", "dot1q-tunnel"; "": by tag and trunks. */
  readonly vlanMode: string;
  readonly interfaces: readonly OpenvswitchInterface[];
}

export interface OpenvswitchBridge {
  readonly name: string;
  readonly externalIds: ReadonlyMap<string, string>;
  /** By name; the bridge's own port has the bridge's name. */
  readonly ports: ReadonlyMap<string, OpenvswitchPort>;
}

export interface OpenvswitchState {
  readonly bridges: ReadonlyMap<string, OpenvswitchBridge>;
  readonly links: ReadonlyMap<string, KernelLink>;
}

/**
 * Seconds after which ovs-vsctl gives up waiting for ovs-vswitchd, which takes milliseconds when it is well. Higher,
 * and a dead one holds up every VM's start; lower, and one that is busy with a thousand ports fails what it was about
 * to do. Below the runner's own limit, so that ovs-vsctl's words are heard.
 */
export const OVS_VSCTL: readonly string[] = ["ovs-vsctl", "--timeout=10"];

const BRIDGE_COLUMNS = "_uuid,name,external_ids,ports";
const PORT_COLUMNS = "_uuid,name,external_ids,tag,trunks,vlan_mode,interfaces";
const INTERFACE_COLUMNS =
  "_uuid,name,external_ids,admin_state,link_state,mtu,mtu_request,error,ofport";

/** One transaction: the three tables belong together. */
export const LIST_OPENVSWITCH: readonly string[] = [
  ...OVS_VSCTL,
  "--format=json",
  ...["--", `--columns=${BRIDGE_COLUMNS}`, "list", "Bridge"],
  ...["--", `--columns=${PORT_COLUMNS}`, "list", "Port"],
  ...["--", `--columns=${INTERFACE_COLUMNS}`, "list", "Interface"],
];

export interface OpenvswitchOutput {
  /** Of LIST_OPENVSWITCH. */
  readonly tables: string;
  /** Of LIST_LINKS. */
  readonly links: string;
}

export function parseOpenvswitchState(output: OpenvswitchOutput): OpenvswitchState {
  const [bridgeRows, portRows, interfaceRows] = parseOvsdbTables(output.tables);
  if (bridgeRows === undefined || portRows === undefined || interfaceRows === undefined) {
    throw new MusterError("network-failed", "ovs-vsctl did not list bridges, ports and interfaces");
  }
  const interfaces = byUuid(interfaceRows, decodeInterface);
  const ports = byUuid(portRows, (row) => decodePort(row, interfaces));
  const bridges = bridgeRows.map((row) => decodeBridge(row, ports));
  return {
    bridges: new Map(bridges.map((bridge) => [bridge.name, bridge])),
    links: parseKernelLinks(output.links),
  };
}

function byUuid<Item>(
  rows: readonly OvsdbRow[],
  decode: (row: OvsdbRow) => Item,
): ReadonlyMap<string, Item> {
  return new Map(
    rows.flatMap((row) => uuidsColumn(row, "_uuid").map((uuid) => [uuid, decode(row)] as const)),
  );
}

function pick<Item>(items: ReadonlyMap<string, Item>, uuids: readonly string[]): readonly Item[] {
  return uuids.map((uuid) => items.get(uuid)).filter((item) => item !== undefined);
}

function decodeInterface(row: OvsdbRow): OpenvswitchInterface {
  return {
    name: textColumn(row, "name"),
    externalIds: mapColumn(row, "external_ids"),
    isUp: optionalTextColumn(row, "admin_state") === "up",
    hasCarrier: optionalTextColumn(row, "link_state") === "up",
    mtu: optionalNumberColumn(row, "mtu"),
    mtuRequest: optionalNumberColumn(row, "mtu_request"),
    error: optionalTextColumn(row, "error") ?? "",
    portNumber: optionalNumberColumn(row, "ofport"),
  };
}

function decodePort(
  row: OvsdbRow,
  interfaces: ReadonlyMap<string, OpenvswitchInterface>,
): OpenvswitchPort {
  return {
    name: textColumn(row, "name"),
    externalIds: mapColumn(row, "external_ids"),
    tag: optionalNumberColumn(row, "tag"),
    trunks: numbersColumn(row, "trunks"),
    vlanMode: optionalTextColumn(row, "vlan_mode") ?? "",
    interfaces: pick(interfaces, uuidsColumn(row, "interfaces")),
  };
}

function decodeBridge(
  row: OvsdbRow,
  ports: ReadonlyMap<string, OpenvswitchPort>,
): OpenvswitchBridge {
  const own = pick(ports, uuidsColumn(row, "ports"));
  return {
    name: textColumn(row, "name"),
    externalIds: mapColumn(row, "external_ids"),
    ports: new Map(own.map((port) => [port.name, port])),
  };
}
