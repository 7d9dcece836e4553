/** What a document of a manifest may define, as the coordinator takes it. Field names are those of the API; short ones are those of the flags. PURE. */
import {
  invalid,
  networkDefaults,
  parseAddress,
  parseName,
  parseWord,
  renderAddress,
} from "@muster/model";
import {
  decodeNetworkSpec,
  decodeUplinkSpec,
  encodeNetworkSpec,
  encodeUplinkSpec,
} from "@muster/model/wire";
import { RuleMode, type GroupRule } from "@muster/proto/admin";
import {
  NetworkKind,
  type BondSpec,
  type NetworkSpec,
  type NicMatch,
  type SubnetSpec,
  type UplinkSpec,
} from "@muster/proto/types";
import { Fields, type Names } from "../spec/fields.ts";
import { parseGuards, parseMacPool, parseRanges } from "../spec/network-flags.ts";
import { parseNicMatch } from "../spec/nic-match.ts";
import { parseVlanList } from "../spec/vlan-list.ts";

export interface Reservation {
  readonly network: string;
  readonly name: string;
  /** Empty: the next that is free. */
  readonly address: string;
}

export type Wanted =
  | { readonly kind: "network"; readonly spec: NetworkSpec }
  | { readonly kind: "uplink"; readonly spec: UplinkSpec }
  | { readonly kind: "address"; readonly spec: Reservation }
  | { readonly kind: "rule"; readonly spec: GroupRule };

const kind: Names = ["kind"];

const hostChoice = {
  hosts: ["hosts"],
  hostPool: ["hostPool", "pool"],
  hostLabels: ["hostLabels", "labels"],
} as const satisfies Record<string, Names>;

const readText = (value: unknown, path: string): string => {
  if (typeof value !== "string") throw invalid(path, "must be text");
  return value;
};

const readHostChoice = (fields: Fields): Pick<UplinkSpec, keyof typeof hostChoice> => ({
  hosts: fields.list(hostChoice.hosts, readText) ?? [],
  hostPool: fields.text(hostChoice.hostPool) ?? "",
  hostLabels: fields.text(hostChoice.hostLabels) ?? "",
});

const network = {
  name: ["name"],
  vlan: ["vlan"],
  untagged: ["untagged"],
  trunk: ["trunk"],
  vni: ["vni", "vxlan"],
  mtu: ["mtu"],
  uplink: ["uplink"],
  required: ["required"],
  isolated: ["isolated"],
  subnets: ["subnets"],
  guards: ["guards", "guard"],
  macs: ["macs"],
} as const satisfies Record<string, Names>;

const plain = encodeNetworkSpec({ ...networkDefaults, name: "x", segment: { kind: "untagged" } });

function readSegment(fields: Fields): Pick<NetworkSpec, "kind" | "vlan" | "trunk" | "vni"> {
  const vlan = fields.count(network.vlan);
  const untagged = fields.flag(network.untagged) === true;
  const trunk = fields.scalar(network.trunk);
  const vni = fields.count(network.vni);
  const ways = [vlan !== undefined, untagged, trunk !== undefined, vni !== undefined];
  if (ways.filter(Boolean).length !== 1) {
    throw invalid("vlan", "give exactly one of vlan, untagged, trunk and vni", "vlan: 10");
  }
  const none = { vlan: 0, trunk: [], vni: 0 };
  if (vlan !== undefined) return { ...none, kind: NetworkKind.VLAN, vlan };
  if (vni !== undefined) return { ...none, kind: NetworkKind.VXLAN, vni };
  if (trunk === undefined) return { ...none, kind: NetworkKind.UNTAGGED };
  return { ...none, kind: NetworkKind.TRUNK, trunk: parseVlanList(trunk, "trunk") };
}

const subnet = {
  cidr: ["cidr"],
  gateway: ["gateway"],
  dns: ["dns"],
  ranges: ["ranges", "range"],
  exclusions: ["exclusions", "exclude"],
  domain: ["domain"],
  dhcp: ["dhcp"],
  nat: ["nat"],
} as const satisfies Record<string, Names>;

function readSubnet(value: unknown, path: string): SubnetSpec {
  const fields = new Fields(value, path, Object.values(subnet));
  const ranges = (names: Names): SubnetSpec["ranges"] =>
    parseRanges(fields.list(names, readText)?.join("+"));
  return {
    cidr: fields.requiredText(subnet.cidr),
    gateway: fields.text(subnet.gateway) ?? "",
    dns: fields.list(subnet.dns, readText) ?? [],
    ranges: ranges(subnet.ranges),
    exclusions: ranges(subnet.exclusions),
    domain: fields.text(subnet.domain) ?? "",
    dhcp: fields.flag(subnet.dhcp) ?? false,
    nat: fields.flag(subnet.nat) ?? false,
  };
}

function readNetwork(value: unknown): Wanted {
  const fields = new Fields(value, "", [
    kind,
    ...Object.values(network),
    ...Object.values(hostChoice),
  ]);
  const guards = fields.text(network.guards);
  const macs = fields.text(network.macs);
  const wire: NetworkSpec = {
    ...plain,
    name: fields.requiredText(network.name),
    ...readSegment(fields),
    ...readHostChoice(fields),
    mtu: fields.count(network.mtu) ?? 0,
    uplink: fields.text(network.uplink) ?? "",
    required: fields.flag(network.required) ?? false,
    isolated: fields.flag(network.isolated) ?? false,
    subnets: fields.list(network.subnets, readSubnet) ?? [],
    guards: guards === undefined ? plain.guards : parseGuards(guards, "guards"),
    macs: macs === undefined ? undefined : parseMacPool(macs, "macs"),
  };
  return { kind: "network", spec: encodeNetworkSpec(decodeNetworkSpec(wire, "")) };
}

const uplink = {
  label: ["label"],
  members: ["members", "nics"],
  bond: ["bond"],
  mtu: ["mtu"],
} as const satisfies Record<string, Names>;

const bond = {
  name: ["name"],
  mode: ["mode"],
  lacpFast: ["lacpFast"],
  transmitHash: ["transmitHash", "hash"],
  miimonMs: ["miimonMs"],
  minLinks: ["minLinks"],
} as const satisfies Record<string, Names>;

const readNicMatch = (value: unknown, path: string): NicMatch =>
  parseNicMatch(readText(value, path));

function readBond(value: unknown, path: string): BondSpec {
  const fields = new Fields(value, path, Object.values(bond));
  return {
    name: fields.requiredText(bond.name),
    mode: fields.text(bond.mode) ?? "active-backup",
    lacpFast: fields.flag(bond.lacpFast) ?? false,
    transmitHash: fields.text(bond.transmitHash) ?? "",
    miimonMs: fields.count(bond.miimonMs) ?? 0,
    minLinks: fields.count(bond.minLinks) ?? 0,
    members: [],
  };
}

function readUplink(value: unknown): Wanted {
  const fields = new Fields(value, "", [
    kind,
    ...Object.values(uplink),
    ...Object.values(hostChoice),
  ]);
  const wire: UplinkSpec = {
    label: fields.requiredText(uplink.label),
    ...readHostChoice(fields),
    members: fields.list(uplink.members, readNicMatch) ?? [],
    bond: fields.object(uplink.bond, readBond),
    mtu: fields.count(uplink.mtu) ?? 0,
  };
  return { kind: "uplink", spec: encodeUplinkSpec(decodeUplinkSpec(wire, "")) };
}

const reservation = {
  network: ["network"],
  name: ["name"],
  address: ["address"],
} as const satisfies Record<string, Names>;

function readReservation(value: unknown): Wanted {
  const fields = new Fields(value, "", [kind, ...Object.values(reservation)]);
  const address = fields.text(reservation.address) ?? "";
  return {
    kind: "address",
    spec: {
      network: parseName(fields.requiredText(reservation.network), "network"),
      name: parseName(fields.requiredText(reservation.name), "name"),
      address: address === "" ? "" : renderAddress(parseAddress(address, "address")),
    },
  };
}

const rule = {
  name: ["name"],
  group: ["group"],
  spread: ["spread"],
  pack: ["pack"],
  level: ["level"],
  max: ["max"],
  preferred: ["preferred"],
} as const satisfies Record<string, Names>;

function readRule(value: unknown): Wanted {
  const fields = new Fields(value, "", [kind, ...Object.values(rule)]);
  const [spread, pack] = [fields.flag(rule.spread) === true, fields.flag(rule.pack) === true];
  if (spread === pack)
    throw invalid("spread", "give exactly one of spread and pack", "spread: true");
  const max = fields.count(rule.max);
  if (pack && max !== undefined) {
    throw invalid("max", "goes with spread only: pack puts all members in one domain");
  }
  return {
    kind: "rule",
    spec: {
      name: parseName(fields.requiredText(rule.name), "name"),
      group: parseWord(fields.requiredText(rule.group), "group"),
      mode: spread ? RuleMode.SPREAD : RuleMode.PACK,
      preferred: fields.flag(rule.preferred) ?? false,
      level: parseWord(fields.text(rule.level) ?? "host", "level"),
      max: spread ? (max ?? 1) : 0,
    },
  };
}

/** A further kind is a reader here and its part in `plan.ts` and `carry-out.ts`. */
export const readers: Readonly<Record<Wanted["kind"], (value: unknown) => Wanted>> = {
  network: readNetwork,
  uplink: readUplink,
  address: readReservation,
  rule: readRule,
};
