import type * as pb from "@muster/proto/types";
import { overlaps, parseSubnet } from "../addresses.ts";
import { invalid } from "../errors.ts";
import { parseMacPrefix, parseName, parseVlan } from "../names.ts";
import {
  MTU_DEFAULT_BYTES,
  MTU_MAX_BYTES,
  MTU_MIN_BYTES,
  noGuards,
  VNI_MAX,
  type MacPool,
  type NetworkObservation,
  type NetworkSpec,
  type Segment,
  type SubnetSpec,
} from "../network.ts";
import { readCount, fieldAt, readList, readText, shortened } from "./fields.ts";
import { decodeHostChoice, encodeHostChoice } from "./host-choice.ts";
import {
  decodeNetworkKind,
  decodeNetworkState,
  decodeTraffic,
  encodeNetworkKind,
  encodeNetworkState,
  encodeTraffic,
} from "./network-enums.ts";
import { decodeSubnet, encodeSubnet } from "./subnet.ts";
import { decodeVlanRanges, encodeVlanRanges } from "./vlan-ranges.ts";

const MESSAGE_MAX = 4096;
/** IPv4 and IPv6, and a few that are being moved away from. */
const SUBNETS_MAX = 8;
/** There are two kinds. */
const TRAFFIC_MAX = 8;

/** A number that belongs to another kind is a mistake worth hearing of. */
function refuseForeignFields(wire: pb.NetworkSpec, segment: Segment, field: string): void {
  const at = (part: string): string => fieldAt(field, part);
  const what = `a network of kind ${segment.kind} has none`;
  if (segment.kind !== "vlan" && wire.vlan !== 0) throw invalid(at("vlan"), what);
  if (segment.kind !== "trunk" && wire.trunk.length > 0) throw invalid(at("trunk"), what);
  if (segment.kind !== "vxlan" && wire.vni !== 0) throw invalid(at("vni"), what);
}

function decodeSegment(wire: pb.NetworkSpec, field: string): Segment {
  const at = (part: string): string => fieldAt(field, part);
  const kind = decodeNetworkKind(wire.kind, at("kind"));
  switch (kind) {
    case "vlan":
      return { kind, vlan: parseVlan(wire.vlan, at("vlan")) };
    case "untagged":
      return { kind };
    case "trunk": {
      const vlans = decodeVlanRanges(wire.trunk, at("trunk"));
      if (vlans.length === 0) {
        throw invalid(at("trunk"), "is required: the VLAN ids that may pass", 'like "10,20-29"');
      }
      return { kind, vlans };
    }
    case "vxlan":
      return { kind, vni: readCount(wire.vni, at("vni"), { min: 1, max: VNI_MAX }) };
  }
}

function decodeMacPool(wire: pb.MacPool | undefined, field: string): MacPool {
  const kind = wire?.kind;
  switch (kind?.$case) {
    case undefined:
      return { kind: "cluster" };
    case "prefix": {
      const prefix = parseMacPrefix(kind.value, fieldAt(field, "prefix"), { min: 1, max: 5 });
      return { kind: "prefix", prefix };
    }
    case "fromIpv4Prefix": {
      const at = fieldAt(field, "fromIpv4Prefix");
      return { kind: "from-ipv4", prefix: parseMacPrefix(kind.value, at, { min: 2, max: 2 }) };
    }
    case "random":
      if (!kind.value) throw invalid(fieldAt(field, "random"), "is set to false");
      return { kind: "random" };
  }
}

function encodeMacPool(pool: MacPool): pb.MacPool | undefined {
  switch (pool.kind) {
    case "cluster":
      return undefined;
    case "prefix":
      return { kind: { $case: "prefix", value: pool.prefix } };
    case "from-ipv4":
      return { kind: { $case: "fromIpv4Prefix", value: pool.prefix } };
    case "random":
      return { kind: { $case: "random", value: true } };
  }
}

function refuseOverlaps(subnets: readonly SubnetSpec[], field: string): void {
  subnets.forEach(({ cidr }, index) => {
    const at = fieldAt(fieldAt(field, index), "cidr");
    const other = subnets
      .slice(0, index)
      .find((before) => overlaps(parseSubnet(before.cidr, field), parseSubnet(cidr, field)));
    if (other !== undefined) throw invalid(at, `${cidr} overlaps ${other.cidr} of this network`);
  });
}

function decodeSubnets(wire: pb.NetworkSpec, segment: Segment, field: string): SubnetSpec[] {
  const subnets = readList(wire.subnets, { field, max: SUBNETS_MAX }, decodeSubnet);
  if (segment.kind === "trunk" && subnets.length > 0) {
    throw invalid(field, "a trunk carries many segments and has no subnets of its own");
  }
  refuseOverlaps(subnets, field);
  return subnets;
}

/** Throws MusterError "invalid". MTU 0 means the default. */
export function decodeNetworkSpec(wire: pb.NetworkSpec, field: string): NetworkSpec {
  const at = (part: string): string => fieldAt(field, part);
  const mtu = wire.mtu === 0 ? MTU_DEFAULT_BYTES : wire.mtu;
  const segment = decodeSegment(wire, field);
  refuseForeignFields(wire, segment, field);
  const { mac, arp, ipv4, ipv6 } = wire.guards ?? noGuards;
  return {
    name: parseName(wire.name, at("name")),
    segment,
    mtu: readCount(mtu, at("mtu"), { min: MTU_MIN_BYTES, max: MTU_MAX_BYTES }),
    ...(wire.uplink === "" ? {} : { uplink: parseName(wire.uplink, at("uplink")) }),
    hosts: decodeHostChoice(wire, field),
    required: wire.required,
    subnets: decodeSubnets(wire, segment, at("subnets")),
    guards: { mac, arp, ipv4, ipv6 },
    macs: decodeMacPool(wire.macs, at("macs")),
    ...(wire.isolated ? { isolated: true } : {}),
  };
}

export function encodeNetworkSpec(spec: NetworkSpec): pb.NetworkSpec {
  const { segment } = spec;
  return {
    name: spec.name,
    kind: encodeNetworkKind(segment.kind),
    vlan: segment.kind === "vlan" ? segment.vlan : 0,
    trunk: segment.kind === "trunk" ? encodeVlanRanges(segment.vlans) : [],
    vni: segment.kind === "vxlan" ? segment.vni : 0,
    mtu: spec.mtu,
    uplink: spec.uplink ?? "",
    ...encodeHostChoice(spec.hosts),
    required: spec.required,
    subnets: spec.subnets.map(encodeSubnet),
    guards: { ...spec.guards },
    macs: encodeMacPool(spec.macs),
    isolated: spec.isolated ?? false,
  };
}

/** `vlan` may be 0: a host that failed may not know it. */
export function decodeNetworkObservation(
  wire: pb.NetworkObservation,
  field: string,
): NetworkObservation {
  const at = (part: string): string => fieldAt(field, part);
  const readWords = (part: "message" | "wanted" | "found"): string =>
    readText(wire[part], at(part), { max: MESSAGE_MAX });
  return {
    name: parseName(wire.name, at("name")),
    state: decodeNetworkState(wire.state, at("state")),
    message: readWords("message"),
    vlan: readCount(wire.vlan, at("vlan"), { max: 4095 }),
    driver: readText(wire.driver, at("driver"), { max: 64 }),
    bridge: readText(wire.bridge, at("bridge"), { max: 64 }),
    wanted: readWords("wanted"),
    found: readWords("found"),
    carries: readList(wire.carries, { field: at("carries"), max: TRAFFIC_MAX }, decodeTraffic),
  };
}

export function encodeNetworkObservation(network: NetworkObservation): pb.NetworkObservation {
  return {
    name: network.name,
    state: encodeNetworkState(network.state),
    message: shortened(network.message, MESSAGE_MAX),
    vlan: network.vlan,
    driver: network.driver,
    bridge: network.bridge,
    wanted: shortened(network.wanted, MESSAGE_MAX),
    found: shortened(network.found, MESSAGE_MAX),
    carries: network.carries.map(encodeTraffic),
  };
}
