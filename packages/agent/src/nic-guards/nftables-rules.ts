/**
 * Guards as an nftables table of the bridge family. Pure.
 *
 * The whole table is replaced at once, so that no frame meets half of it. Taps have their names from the VM: the rules are
 * there before the tap is. A chain without rules holds a hash of the table in its name: what is there under another one,
 * or with fewer rules, is out of date.
 */
import { createHash } from "node:crypto";
import { tapName } from "../networks/linux-bridge/linux-bridge-marks.ts";
import type { NicGuard } from "./nic-guard.ts";

export const TABLE = "muster-guards";

export interface GuardTable {
  /** Name of the chain that says which table this is. */
  readonly mark: string;
  /** How many rules all chains have together. */
  readonly rules: number;
  /** For `nft -f -`. */
  readonly script: string;
}

interface Chain {
  readonly name: string;
  readonly rules: readonly string[];
}

export function guardTableOf(guards: readonly NicGuard[]): GuardTable {
  const chains = guards.map((guard): Chain => ({ name: chainOf(guard), rules: rulesOf(guard) }));
  const jumps = guards.map(
    (guard) => `iifname ${quoted(tapName(guard.vmId, guard.index))} jump ${chainOf(guard)}`,
  );
  const body = [
    ...chains.map(({ name, rules }) => renderChain(name, rules)),
    // Before the bridge itself looks at the frame: a forged one teaches it nothing.
    renderChain("forged", ["type filter hook prerouting priority -310; policy accept;", ...jumps]),
  ].join("\n");
  const mark = `is-${createHash("sha256").update(body).digest("hex").slice(0, 16)}`;
  const emptied = `table bridge ${TABLE} {}\ndelete table bridge ${TABLE}\n`;
  const table = `table bridge ${TABLE} {\n${body}\n${renderChain(mark, [])}\n}\n`;
  return {
    mark,
    rules: jumps.length + chains.reduce((sum, { rules }) => sum + rules.length, 0),
    script: guards.length === 0 ? emptied : emptied + table,
  };
}

const quoted = (text: string): string => JSON.stringify(text);

const chainOf = ({ vmId, index }: NicGuard): string => `nic-${tapName(vmId, index)}`;

const renderChain = (name: string, rules: readonly string[]): string =>
  `chain ${name} {\n${rules.map((rule) => `  ${rule}\n`).join("")}}`;

function rulesOf(guard: NicGuard): readonly string[] {
  const { guards, mac } = guard;
  return [
    ...(guards.mac ? [`ether saddr != ${mac} drop`] : []),
    // Inside a tag none of the rules below would see what the frame is. A NIC of one VLAN has no use for tags.
    ...(guards.arp || guards.ipv4 || guards.ipv6 ? ["ether type { vlan, 8021ad } drop"] : []),
    ...(guards.arp ? arpRules(guard) : []),
    ...(guards.ipv4 ? ipv4Rules(guard) : []),
    ...(guards.ipv6 ? ipv6Rules(guard) : []),
  ];
}

const setOf = (addresses: readonly string[]): string => `{ ${addresses.join(", ")} }`;

/** An address of its own, or none yet: a guest asks whether an address is free before it takes it (RFC 5227). */
const arpRules = ({ mac, ipv4 }: NicGuard): readonly string[] => [
  `ether type arp arp saddr ether != ${mac} drop`,
  ...(ipv4.length === 0 ? [] : [`ether type arp arp saddr ip ${setOf(ipv4)} accept`]),
  "ether type arp arp operation request arp saddr ip 0.0.0.0 accept",
  "ether type arp drop",
];

/** A guest asks for its address without having one, and is no DHCP server. */
const ipv4Rules = ({ ipv4 }: NicGuard): readonly string[] => [
  "ether type ip udp sport 67 udp dport 68 drop",
  ...(ipv4.length === 0 ? [] : [`ether type ip ip saddr ${setOf(ipv4)} accept`]),
  "ether type ip ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept",
  "ether type ip drop",
];

/** The address that an answer about neighbours is about: eight octets into it. */
const ND_TARGET = "@th,64,128";

const hexOf = (address: string): string => {
  const [head = "", tail = ""] = address.split("::");
  const groups = (part: string): readonly string[] => (part === "" ? [] : part.split(":"));
  const missing = 8 - groups(head).length - groups(tail).length;
  const whole = [...groups(head), ...Array.from({ length: missing }, () => "0"), ...groups(tail)];
  return `0x${whole.map((group) => group.padStart(4, "0")).join("")}`;
};

/** Nor a router. What it says of neighbours it says of itself. */
const ipv6Rules = ({ ipv6 }: NicGuard): readonly string[] => {
  const targets = setOf(ipv6.map(hexOf));
  return [
    "ether type ip6 icmpv6 type { nd-router-advert, nd-redirect } drop",
    "ether type ip6 udp sport 547 udp dport 546 drop",
    `ether type ip6 icmpv6 type nd-neighbor-advert ${ND_TARGET} != ${targets} drop`,
    `ether type ip6 ip6 saddr ${setOf(ipv6)} accept`,
    // Whether an address is free, and which groups it listens to, it says before it has an address.
    `ether type ip6 ip6 saddr :: icmpv6 type nd-neighbor-solicit ${ND_TARGET} ${targets} accept`,
    "ether type ip6 ip6 saddr :: icmpv6 type { mld-listener-report, mld2-listener-report } accept",
    "ether type ip6 drop",
  ];
};
