/** IP addresses and subnets as numbers, and their one canonical text (RFC 5952 for IPv6). */
import { invalid } from "./errors.ts";

export type AddressFamily = 4 | 6;

export interface Address {
  readonly family: AddressFamily;
  readonly value: bigint;
}

export interface Subnet {
  readonly family: AddressFamily;
  readonly first: bigint;
  readonly last: bigint;
  readonly prefixLength: number;
}

const bitsOf = (family: AddressFamily): number => (family === 4 ? 32 : 128);

const OCTET = /^(0|[1-9][0-9]{0,2})$/;
const GROUP = /^[0-9a-f]{1,4}$/;

function readIpv4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!OCTET.test(part) || Number(part) > 255) return undefined;
    value = value * 256n + BigInt(part);
  }
  return value;
}

/** The groups of one side of "::"; the last may be dotted IPv4. Undefined: not an address. */
function readGroups(text: string): readonly bigint[] | undefined {
  if (text === "") return [];
  const groups: bigint[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    const dotted = isLast && part.includes(".") ? readIpv4(part) : undefined;
    if (dotted !== undefined) groups.push(dotted >> 16n, dotted & 0xffffn);
    else if (GROUP.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return groups;
}

function readIpv6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(readGroups);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  // Dotted IPv4 stands at the very end only.
  if (halves.length === 2 && halves[0]?.includes(".") === true) return undefined;
  const given = head.length + (tail?.length ?? 0);
  if (halves.length === 1 ? given !== 8 : given > 7) return undefined;
  const zeros = Array.from({ length: 8 - given }, () => 0n);
  return [...head, ...zeros, ...(tail ?? [])].reduce((sum, group) => (sum << 16n) | group, 0n);
}

function readAddress(text: string): Address | undefined {
  const lower = text.toLowerCase();
  const isIpv6 = lower.includes(":");
  const value = isIpv6 ? readIpv6(lower) : readIpv4(lower);
  return value === undefined ? undefined : { family: isIpv6 ? 6 : 4, value };
}

/** Longest text of an address: IPv6 with dotted IPv4. */
const ADDRESS_TEXT_MAX = 45;

/** Throws MusterError "invalid". */
export function parseAddress(text: string, field: string): Address {
  const address = text.length > ADDRESS_TEXT_MAX ? undefined : readAddress(text);
  if (address !== undefined) return address;
  const shown = JSON.stringify(text.slice(0, 60));
  throw invalid(
    field,
    `${shown} is not an IP address`,
    'write it like "10.1.0.5" or "2001:db8::5"',
  );
}

function renderIpv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number((value >> BigInt(16 * (7 - index))) & 0xffffn),
  );
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start += 1) {
    let end = start;
    while (end < 8 && groups[end] === 0) end += 1;
    if (end - start > best.length) best = { start, length: end - start };
  }
  const texts = groups.map((group) => group.toString(16));
  if (best.length < 2) return texts.join(":");
  const head = texts.slice(0, best.start).join(":");
  return `${head}::${texts.slice(best.start + best.length).join(":")}`;
}

export function renderAddress({ family, value }: Address): string {
  if (family === 6) return renderIpv6(value);
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join(".");
}

/** Throws MusterError "invalid", also when bits beyond the prefix are set. */
export function parseSubnet(text: string, field: string): Subnet {
  const slash = text.indexOf("/");
  const length = text.slice(slash + 1);
  if (slash < 0 || !OCTET.test(length)) {
    const shown = JSON.stringify(text.slice(0, 60));
    throw invalid(field, `${shown} is not a subnet`, 'write it like "10.1.0.0/24"');
  }
  const address = parseAddress(text.slice(0, slash), field);
  const bits = bitsOf(address.family);
  const prefixLength = Number(length);
  if (prefixLength > bits) {
    throw invalid(field, `prefix length ${length} is above ${String(bits)}`);
  }
  const subnet = subnetAround(address, prefixLength);
  if (subnet.first !== address.value) {
    const meant = renderSubnet(subnet);
    throw invalid(field, `${text} has bits set beyond its prefix`, `did you mean ${meant}?`);
  }
  return subnet;
}

/** The subnet of this prefix length that has the address. */
export function subnetAround({ family, value }: Address, prefixLength: number): Subnet {
  const size = 1n << BigInt(bitsOf(family) - prefixLength);
  const first = (value / size) * size;
  return { family, first, last: first + size - 1n, prefixLength };
}

/** "10.0.0.3/24": an address of an interface. Throws MusterError "invalid". */
export function parseInterfaceAddress(
  text: string,
  field: string,
): { readonly address: Address; readonly subnet: Subnet } {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash), field);
  const length = slash < 0 ? "" : text.slice(slash + 1);
  if (!OCTET.test(length) || Number(length) > bitsOf(address.family)) {
    throw invalid(field, `${text} lacks a prefix length`, 'write it like "10.0.0.3/24"');
  }
  return { address, subnet: subnetAround(address, Number(length)) };
}

export const renderSubnet = ({ family, first, prefixLength }: Subnet): string =>
  `${renderAddress({ family, value: first })}/${String(prefixLength)}`;

export const isWithin = (subnet: Subnet, address: Address): boolean =>
  subnet.family === address.family && address.value >= subnet.first && address.value <= subnet.last;

export const overlaps = (left: Subnet, right: Subnet): boolean =>
  left.family === right.family && left.first <= right.last && right.first <= left.last;

/** Network and broadcast address of IPv4, the subnet-router anycast address of IPv6: nobody's. */
export function firstHost({ first, last }: Subnet): bigint {
  const isPointToPoint = last - first <= 1n;
  return isPointToPoint ? first : first + 1n;
}

export function lastHost({ family, first, last }: Subnet): bigint {
  return family === 6 || last - first <= 1n ? last : last - 1n;
}

/** The owner name of its PTR record, without the dot at the end. */
export function reverseName(address: Address): string {
  if (address.family === 4) {
    return `${renderAddress(address).split(".").toReversed().join(".")}.in-addr.arpa`;
  }
  const nibbles = address.value.toString(16).padStart(32, "0");
  return `${[...nibbles].toReversed().join(".")}.ip6.arpa`;
}
