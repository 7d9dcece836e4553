/** A network from flags, over what it was before. PURE. */
import { invalid, MTU_MAX_BYTES, MTU_MIN_BYTES, parseVlan } from "@muster/model";
import type { AddressRange, MacPool, NetworkSpec, SubnetSpec } from "@muster/proto/types";
import { NetworkKind } from "@muster/proto/types";
import { parsePairs } from "./pairs.ts";
import { parseVlanList } from "./vlan-list.ts";

export interface NetworkFlags {
  readonly vlan?: number;
  readonly untagged?: boolean;
  readonly trunk?: string;
  readonly vxlan?: number;
  readonly mtu?: number;
  readonly uplink?: string;
  readonly host?: readonly string[];
  readonly allHosts?: boolean;
  readonly pool?: string;
  readonly labels?: string;
  readonly required?: boolean;
  readonly optional?: boolean;
  readonly subnet?: readonly SubnetSpec[];
  readonly withoutSubnets?: boolean;
  readonly isolated?: boolean;
  readonly guard?: string;
  readonly macs?: string;
}

export function wholeNumber(text: string, field: string): number {
  if (!/^\d{1,9}$/.test(text)) throw invalid(field, `"${text.slice(0, 40)}" is not a whole number`);
  return Number(text);
}

export const parseVlanFlag = (text: string): number =>
  parseVlan(wholeNumber(text, "--vlan"), "--vlan");

export function parseMtu(text: string): number {
  const mtu = wholeNumber(text, "--mtu");
  if (mtu >= MTU_MIN_BYTES && mtu <= MTU_MAX_BYTES) return mtu;
  const range = `${String(MTU_MIN_BYTES)} to ${String(MTU_MAX_BYTES)}`;
  throw invalid("--mtu", `${text} is out of range`, `use ${range}`);
}

/** "10.1.0.10-10.1.0.99+10.1.0.200" */
export function parseRanges(text: string | undefined): AddressRange[] {
  if (text === undefined || text === "") return [];
  return text.split("+").map((part) => {
    const [first = "", last = ""] = part.split("-");
    return { first, last };
  });
}

const subnetParts = ["gateway", "dns", "range", "exclude", "domain", "dhcp", "nat"];

const isYes = (text: string | undefined, part: string): boolean => {
  if (text === undefined || text === "no") return false;
  if (text === "yes") return true;
  throw invalid(`--subnet ${part}`, `"${text.slice(0, 40)}" is not yes or no`);
};

/** "10.1.0.0/24,gateway=10.1.0.1,range=10.1.0.10-10.1.0.99,dhcp=yes" */
export function parseSubnetFlag(text: string): SubnetSpec {
  const [cidr = "", ...rest] = text.split(",");
  const pairs = parsePairs(rest.join(","), "--subnet", subnetParts);
  const dns = pairs.get("dns") ?? "";
  return {
    cidr,
    gateway: pairs.get("gateway") ?? "",
    dns: dns === "" ? [] : dns.split("+"),
    ranges: parseRanges(pairs.get("range")),
    exclusions: parseRanges(pairs.get("exclude")),
    domain: pairs.get("domain") ?? "",
    dhcp: isYes(pairs.get("dhcp"), "dhcp"),
    nat: isYes(pairs.get("nat"), "nat"),
  };
}

const guardNames = ["mac", "arp", "ipv4", "ipv6"] as const;

/** "all", "none", or some of mac, arp, ipv4, ipv6. */
export function parseGuards(text: string, field = "--guard"): NonNullable<NetworkSpec["guards"]> {
  const given = text === "all" ? guardNames : text === "none" ? [] : text.split("+");
  const guards = { mac: false, arp: false, ipv4: false, ipv6: false };
  for (const name of given) {
    const known = guardNames.find((guard) => guard === name);
    if (known === undefined) {
      throw invalid(
        field,
        `"${name.slice(0, 40)}" is no guard`,
        `use all, none or ${guardNames.join("+")}`,
      );
    }
    guards[known] = true;
  }
  return guards;
}

export function parseMacPool(text: string, field = "--macs"): MacPool | undefined {
  const [kind = "", value = ""] = text.split("=");
  switch (kind) {
    case "cluster":
      return undefined;
    case "random":
      return { kind: { $case: "random", value: true } };
    case "prefix":
      return { kind: { $case: "prefix", value } };
    case "from-ipv4":
      return { kind: { $case: "fromIpv4Prefix", value } };
    default:
      throw invalid(
        field,
        `"${text.slice(0, 40)}" is no pool`,
        "cluster, random, prefix=52:54:00 or from-ipv4=02:00",
      );
  }
}

type Segment = Pick<NetworkSpec, "kind" | "vlan" | "trunk" | "vni">;

/** Undefined: none is given. */
function segmentOf({ vlan, untagged, trunk, vxlan }: NetworkFlags): Segment | undefined {
  const ways = [vlan !== undefined, untagged === true, trunk !== undefined, vxlan !== undefined];
  if (ways.filter(Boolean).length > 1) {
    throw invalid("--vlan", "give one of --vlan, --untagged, --trunk and --vxlan");
  }
  const none = { vlan: 0, trunk: [], vni: 0 };
  if (vlan !== undefined) return { ...none, kind: NetworkKind.VLAN, vlan };
  if (untagged === true) return { ...none, kind: NetworkKind.UNTAGGED };
  if (vxlan !== undefined) return { ...none, kind: NetworkKind.VXLAN, vni: vxlan };
  if (trunk === undefined) return undefined;
  return { ...none, kind: NetworkKind.TRUNK, trunk: parseVlanList(trunk, "--trunk") };
}

interface HostChoice {
  hosts: string[];
  hostPool: string;
  hostLabels: string;
}

/** Undefined: none is given. */
export function hostChoiceOf(
  flags: Pick<NetworkFlags, "host" | "allHosts" | "pool" | "labels">,
): HostChoice | undefined {
  const { host, allHosts, pool, labels } = flags;
  const isGiven = [host, pool, labels].some((value) => value !== undefined) || allHosts === true;
  if (!isGiven) return undefined;
  return { hosts: [...(host ?? [])], hostPool: pool ?? "", hostLabels: labels ?? "" };
}

/** Throws `invalid` when no kind is given and there was none before. */
export function networkOfFlags(before: NetworkSpec, flags: NetworkFlags): NetworkSpec {
  const segment = segmentOf(flags);
  if (segment === undefined && before.kind === NetworkKind.UNSPECIFIED) {
    throw invalid("--vlan", "is required", "or one of --untagged, --trunk LIST, --vxlan ID");
  }
  if (flags.required === true && flags.optional === true) {
    throw invalid("--required", "give --required or --optional");
  }
  const isRequired = flags.required ?? (flags.optional === true ? false : before.required);
  return {
    ...before,
    ...segment,
    ...hostChoiceOf(flags),
    mtu: flags.mtu ?? before.mtu,
    uplink: flags.uplink ?? before.uplink,
    required: isRequired,
    subnets: [...(flags.withoutSubnets === true ? [] : (flags.subnet ?? before.subnets))],
    isolated: flags.isolated ?? before.isolated,
    guards: flags.guard === undefined ? before.guards : parseGuards(flags.guard),
    macs: flags.macs === undefined ? before.macs : parseMacPool(flags.macs),
  };
}
