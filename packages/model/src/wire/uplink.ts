/** Uplinks, bonds and the hosts' own interfaces. */
import type * as pb from "@muster/proto/types";
import { parseAddress, parseInterfaceAddress, renderAddress } from "../addresses.ts";
import { invalid } from "../errors.ts";
import { parseDeviceName, parseMac, parseName, parseVlan } from "../names.ts";
import { MTU_DEFAULT_BYTES, MTU_MAX_BYTES, MTU_MIN_BYTES } from "../network.ts";
import {
  bondModes,
  transmitHashes,
  type AddressSource,
  type BondSpec,
  type HostInterfaceSpec,
  type HostInterfacesSpec,
  type NicMatch,
  type UplinkSpec,
} from "../uplink.ts";
import { fieldAt, readChoice, readCount, readList, refuseDuplicates, required } from "./fields.ts";
import { decodeHostChoice, encodeHostChoice } from "./host-choice.ts";

/** More NICs than any chassis bonds. */
const MEMBERS_MAX = 32;
const BONDS_MAX = 64;
const INTERFACES_MAX = 256;
const ADDRESSES_MAX = 64;
const DNS_MAX = 8;
/** What the kernel's documentation recommends; below 10 ms a bond flaps on noise. */
const MIIMON_DEFAULT_MS = 100;
const MIIMON_MAX_MS = 10_000;

const mtuLimits = { min: MTU_MIN_BYTES, max: MTU_MAX_BYTES };
const sources: readonly AddressSource[] = ["none", "dhcp", "static"];
const DRIVER = /^[A-Za-z0-9_-]{1,63}\*?$/;

function readPattern(text: string, field: string): string {
  const stem = text.endsWith("*") ? text.slice(0, -1) : text;
  return text === "*" ? text : `${parseDeviceName(stem, field)}${text.slice(stem.length)}`;
}

export function decodeNicMatch(wire: pb.NicMatch, field: string): NicMatch {
  const by = required(wire.by, field);
  switch (by.$case) {
    case "name":
      return { by: "name", name: readPattern(by.value, fieldAt(field, "name")) };
    case "mac":
      return { by: "mac", mac: parseMac(by.value, fieldAt(field, "mac")) };
    case "driver": {
      const at = fieldAt(field, "driver");
      if (!DRIVER.test(by.value)) throw invalid(at, `"${by.value.slice(0, 40)}" is not a driver`);
      return { by: "driver", driver: by.value };
    }
  }
}

export function encodeNicMatch(match: NicMatch): pb.NicMatch {
  switch (match.by) {
    case "name":
      return { by: { $case: "name", value: match.name } };
    case "mac":
      return { by: { $case: "mac", value: match.mac } };
    case "driver":
      return { by: { $case: "driver", value: match.driver } };
  }
}

function decodeMembers(wire: readonly pb.NicMatch[], field: string): readonly NicMatch[] {
  const members = readList(wire, { field, max: MEMBERS_MAX }, decodeNicMatch);
  if (members.length === 0) throw invalid(field, "is required: at least one NIC");
  refuseDuplicates(
    members.map((member) => JSON.stringify(member)),
    field,
  );
  return members;
}

function decodeBond(wire: pb.BondSpec, field: string): BondSpec {
  const at = (part: string): string => fieldAt(field, part);
  const mode = readChoice(wire.mode, at("mode"), bondModes);
  if (wire.lacpFast && mode !== "802.3ad") {
    throw invalid(at("lacpFast"), `a bond of mode ${mode} does not speak LACP`);
  }
  return {
    name: parseDeviceName(wire.name, at("name")),
    mode,
    lacpRate: wire.lacpFast ? "fast" : "slow",
    transmitHash:
      wire.transmitHash === ""
        ? "layer2"
        : readChoice(wire.transmitHash, at("transmitHash"), transmitHashes),
    miimonMs: readCount(wire.miimonMs === 0 ? MIIMON_DEFAULT_MS : wire.miimonMs, at("miimonMs"), {
      min: 10,
      max: MIIMON_MAX_MS,
    }),
    minLinks: readCount(wire.minLinks === 0 ? 1 : wire.minLinks, at("minLinks"), {
      min: 1,
      max: MEMBERS_MAX,
    }),
  };
}

const encodeBond = (bond: BondSpec, members: readonly NicMatch[]): pb.BondSpec => ({
  name: bond.name,
  mode: bond.mode,
  lacpFast: bond.lacpRate === "fast",
  transmitHash: bond.transmitHash,
  miimonMs: bond.miimonMs,
  minLinks: bond.minLinks,
  members: members.map(encodeNicMatch),
});

/** Throws MusterError "invalid". */
export function decodeUplinkSpec(wire: pb.UplinkSpec, field: string): UplinkSpec {
  const at = (part: string): string => fieldAt(field, part);
  const members = decodeMembers(wire.members, at("members"));
  const bond = wire.bond === undefined ? undefined : decodeBond(wire.bond, at("bond"));
  if (bond !== undefined && bond.minLinks > members.length && members.every(isOne)) {
    const numbers = `${String(bond.minLinks)} links are wanted of ${String(members.length)} NICs`;
    throw invalid(at("bond.minLinks"), numbers);
  }
  return {
    label: parseName(wire.label, at("label")),
    hosts: decodeHostChoice(wire, field),
    members,
    ...(bond === undefined ? {} : { bond }),
    mtu: readCount(wire.mtu === 0 ? MTU_DEFAULT_BYTES : wire.mtu, at("mtu"), mtuLimits),
  };
}

/** False: it may fit several NICs. */
const isOne = (match: NicMatch): boolean =>
  match.by === "mac" || (match.by === "name" && !match.name.endsWith("*"));

export const encodeUplinkSpec = (spec: UplinkSpec): pb.UplinkSpec => ({
  label: spec.label,
  ...encodeHostChoice(spec.hosts),
  members: spec.members.map(encodeNicMatch),
  bond: spec.bond === undefined ? undefined : encodeBond(spec.bond, []),
  mtu: spec.mtu,
});

type BondWithMembers = HostInterfacesSpec["bonds"][number];

export const decodeHostBond = (wire: pb.BondSpec, field: string): BondWithMembers => ({
  ...decodeBond(wire, field),
  members: decodeMembers(wire.members, fieldAt(field, "members")),
});

export const encodeHostBond = (bond: BondWithMembers): pb.BondSpec =>
  encodeBond(bond, bond.members);

function decodeDevice(wire: pb.HostInterfaceSpec, field: string): HostInterfaceSpec["device"] {
  if (wire.nic !== undefined && wire.bond !== "") {
    throw invalid(fieldAt(field, "bond"), "an interface is a NIC or a bond, not both");
  }
  if (wire.nic !== undefined) {
    return { kind: "nic", nic: decodeNicMatch(wire.nic, fieldAt(field, "nic")) };
  }
  return { kind: "bond", bond: parseDeviceName(wire.bond, fieldAt(field, "bond")) };
}

function readInterfaceAddress(text: string, field: string): string {
  const { address, subnet } = parseInterfaceAddress(text, field);
  return `${renderAddress(address)}/${String(subnet.prefixLength)}`;
}

/** Static interfaces have addresses, others have none. */
function decodeAddresses(
  wire: pb.HostInterfaceSpec,
  field: string,
): Pick<HostInterfaceSpec, "source" | "addresses" | "gateway" | "dns"> {
  const at = (part: string): string => fieldAt(field, part);
  const source = wire.source === "" ? "none" : readChoice(wire.source, at("source"), sources);
  const addresses = readList(
    wire.addresses,
    { field: at("addresses"), max: ADDRESSES_MAX },
    readInterfaceAddress,
  );
  if (source === "static" && addresses.length === 0) {
    throw invalid(at("addresses"), "is required for a static interface");
  }
  if (source !== "static" && (addresses.length > 0 || wire.gateway !== "")) {
    throw invalid(at("source"), `an interface with source ${source} has no addresses of its own`);
  }
  const readOne = (text: string, one: string): string => renderAddress(parseAddress(text, one));
  return {
    source,
    addresses,
    ...(wire.gateway === "" ? {} : { gateway: readOne(wire.gateway, at("gateway")) }),
    dns: readList(wire.dns, { field: at("dns"), max: DNS_MAX }, readOne),
  };
}

export function decodeHostInterface(wire: pb.HostInterfaceSpec, field: string): HostInterfaceSpec {
  const at = (part: string): string => fieldAt(field, part);
  return {
    device: decodeDevice(wire, field),
    ...(wire.vlan === 0 ? {} : { vlan: parseVlan(wire.vlan, at("vlan")) }),
    ...(wire.bridge === "" ? {} : { bridge: parseDeviceName(wire.bridge, at("bridge")) }),
    ...decodeAddresses(wire, field),
    ...(wire.mtu === 0 ? {} : { mtu: readCount(wire.mtu, at("mtu"), mtuLimits) }),
  };
}

export const encodeHostInterface = (spec: HostInterfaceSpec): pb.HostInterfaceSpec => ({
  nic: spec.device.kind === "nic" ? encodeNicMatch(spec.device.nic) : undefined,
  bond: spec.device.kind === "bond" ? spec.device.bond : "",
  vlan: spec.vlan ?? 0,
  bridge: spec.bridge ?? "",
  source: spec.source,
  addresses: [...spec.addresses],
  gateway: spec.gateway ?? "",
  dns: [...spec.dns],
  mtu: spec.mtu ?? 0,
});

export const readHostBonds = (wire: readonly pb.BondSpec[], field: string): BondWithMembers[] =>
  readList(wire, { field, max: BONDS_MAX }, decodeHostBond);

export const readHostInterfaces = (
  wire: readonly pb.HostInterfaceSpec[],
  field: string,
): HostInterfaceSpec[] => readList(wire, { field, max: INTERFACES_MAX }, decodeHostInterface);

/** Throws MusterError "invalid", also when an interface names a bond that is not there. */
export function decodeHostInterfacesSpec(
  wire: pb.HostInterfacesSpec,
  field: string,
): HostInterfacesSpec {
  const at = (part: string): string => fieldAt(field, part);
  const bonds = readHostBonds(wire.bonds, at("bonds"));
  const interfaces = readHostInterfaces(wire.interfaces, at("interfaces"));
  const names = bonds.map((bond) => bond.name);
  refuseDuplicates(names, at("bonds"));
  interfaces.forEach(({ device }, index) => {
    if (device.kind === "nic" || names.includes(device.bond)) return;
    const known = names.length === 0 ? "none is defined" : `bonds: ${names.join(", ")}`;
    const bondField = fieldAt(fieldAt(at("interfaces"), index), "bond");
    throw invalid(bondField, `there is no bond "${device.bond}"`, known);
  });
  return { host: parseName(wire.host, at("host")), bonds, interfaces };
}

export const encodeHostInterfacesSpec = (spec: HostInterfacesSpec): pb.HostInterfacesSpec => ({
  host: spec.host,
  bonds: spec.bonds.map(encodeHostBond),
  interfaces: spec.interfaces.map(encodeHostInterface),
});
