/**
 * Guards as flows of an Open vSwitch bridge. Pure.
 *
 * All flows of a NIC have one cookie: our mark and a hash of the flows themselves, with the port's number in them. What
 * has a cookie that nobody wants now is out of date, and nothing else on the bridge is ever touched.
 */
import { createHash } from "node:crypto";
import type { NicGuard } from "./nic-guard.ts";

/** "ms". The upper 16 bits of a cookie; 48 are left for the hash. */
const MARK = "6d73";

/** Any cookie of ours. */
export const OUR_COOKIES = `0x${MARK}000000000000/0xffff000000000000`;

/** Above what a bridge normally has (0) and what sites add by hand; each rule has the next lower one, first match counts. */
const PRIORITY_FIRST = 31_000;

const PASS = "NORMAL";
const DROP = "drop";

type Rule = readonly [match: string, action: typeof PASS | typeof DROP];

export interface PortFlows {
  /** As ovs-ofctl prints it. */
  readonly cookie: string;
  /** For `ovs-ofctl add-flows`. */
  readonly flows: readonly string[];
}

export function flowsOf(guard: NicGuard, portNumber: number): PortFlows {
  const rules = rulesOf(guard).map(([match, action], index) =>
    [
      `priority=${String(PRIORITY_FIRST - index)},in_port=${String(portNumber)}`,
      ...(match === "" ? [] : [match]),
      `actions=${action}`,
    ].join(","),
  );
  const hash = createHash("sha256").update(rules.join("\n")).digest("hex").slice(0, 12);
  const cookie = `0x${MARK}${hash}`;
  return { cookie, flows: rules.map((rule) => `cookie=${cookie},${rule}`) };
}

function rulesOf(guard: NicGuard): readonly Rule[] {
  const { guards, mac } = guard;
  const own = guards.mac ? `dl_src=${mac},` : "";
  return [
    ...(guards.arp ? arpRules(guard, own) : []),
    ...(guards.ipv4 ? ipv4Rules(guard, own) : []),
    ...(guards.ipv6 ? ipv6Rules(guard, own) : []),
    ...(guards.mac ? ([[`dl_src=${mac}`, PASS]] as const) : []),
    ["", guards.mac ? DROP : PASS],
  ];
}

/** An address of its own, or none yet: a guest asks whether an address is free before it takes it (RFC 5227). */
const arpRules = ({ mac, ipv4 }: NicGuard, own: string): readonly Rule[] => [
  ...ipv4.map((address): Rule => [`${own}arp,arp_sha=${mac},arp_spa=${address}`, PASS]),
  [`${own}arp,arp_op=1,arp_sha=${mac},arp_spa=0.0.0.0`, PASS],
  ["arp", DROP],
];

/** A guest asks for its address without having one, and is no DHCP server. */
const ipv4Rules = ({ ipv4 }: NicGuard, own: string): readonly Rule[] => [
  ["udp,tp_src=67,tp_dst=68", DROP],
  ...ipv4.map((address): Rule => [`${own}ip,nw_src=${address}`, PASS]),
  [`${own}udp,nw_src=0.0.0.0,tp_src=68,tp_dst=67`, PASS],
  ["ip", DROP],
];

/** Nor a router (router advertisement 134, redirect 137). What it says of neighbours it says of itself (136). */
const ipv6Rules = ({ ipv6 }: NicGuard, own: string): readonly Rule[] => [
  ["icmp6,icmp_type=134", DROP],
  ["icmp6,icmp_type=137", DROP],
  ["udp6,tp_src=547,tp_dst=546", DROP],
  ...ipv6.flatMap((address) =>
    ipv6.map((target): Rule => [
      `${own}icmp6,ipv6_src=${address},icmp_type=136,nd_target=${target}`,
      PASS,
    ]),
  ),
  ["icmp6,icmp_type=136", DROP],
  ...ipv6.map((address): Rule => [`${own}ipv6,ipv6_src=${address}`, PASS]),
  // Whether an address is free (135), and which groups it listens to, it says before it has an address.
  ...ipv6.map((target): Rule => [
    `${own}icmp6,ipv6_src=::,icmp_type=135,nd_target=${target}`,
    PASS,
  ]),
  ...[131, 143].map((type): Rule => [`${own}icmp6,ipv6_src=::,icmp_type=${String(type)}`, PASS]),
  ["ipv6", DROP],
];

/** How many flows each of our cookies has, as `ovs-ofctl dump-flows` prints them. */
export function countCookies(dump: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [, cookie = ""] of dump.matchAll(/cookie=(0x[0-9a-f]+)/g)) {
    counts.set(cookie, (counts.get(cookie) ?? 0) + 1);
  }
  return counts;
}

/** What to tell `ovs-ofctl --bundle add-flows`; empty: nothing to change. New ones come before old ones go. */
export function planFlows(
  present: ReadonlyMap<string, number>,
  wanted: readonly PortFlows[],
): readonly string[] {
  const cookies = new Set(wanted.map(({ cookie }) => cookie));
  const missing = wanted.filter(({ cookie, flows }) => present.get(cookie) !== flows.length);
  const stale = [...present.keys()].filter((cookie) => !cookies.has(cookie));
  return [
    ...stale.map((cookie) => `delete cookie=${cookie}/-1`),
    ...missing.flatMap(({ flows }) => flows.map((flow) => `add ${flow}`)),
  ];
}
