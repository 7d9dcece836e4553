/** Subnets of a network. What is wrong within one is found here: a range outside it, a gateway that is given out. */
import type * as pb from "@muster/proto/types";
import {
  isWithin,
  parseAddress,
  parseSubnet,
  renderAddress,
  renderSubnet,
  type Address,
  type Subnet,
} from "../addresses.ts";
import { invalid } from "../errors.ts";
import { parseDomain } from "../names.ts";
import type { AddressRange, SubnetSpec } from "../network.ts";
import { fieldAt, readList } from "./fields.ts";

const RANGES_MAX = 256;
/** resolv.conf takes three; DHCP clients a few more. */
const DNS_MAX = 8;

const readCanonical = (text: string, field: string): string =>
  renderAddress(parseAddress(text, field));

function readWithin(text: string, field: string, subnet: Subnet): Address {
  const address = parseAddress(text, field);
  if (isWithin(subnet, address)) return address;
  throw invalid(
    field,
    `${renderAddress(address)} is outside the subnet ${renderSubnet(subnet)}`,
    `use addresses from ${renderAddress({ ...subnet, value: subnet.first })} to ${renderAddress({ ...subnet, value: subnet.last })}`,
  );
}

function decodeRange(wire: pb.AddressRange, field: string, subnet: Subnet): AddressRange {
  const first = readWithin(wire.first, fieldAt(field, "first"), subnet);
  const last = wire.last === "" ? first : readWithin(wire.last, fieldAt(field, "last"), subnet);
  if (last.value < first.value) {
    throw invalid(field, `${renderAddress(first)}-${renderAddress(last)} ends before it begins`);
  }
  return { first: renderAddress(first), last: renderAddress(last) };
}

export function decodeSubnet(wire: pb.SubnetSpec, field: string): SubnetSpec {
  const at = (part: string): string => fieldAt(field, part);
  const subnet = parseSubnet(wire.cidr, at("cidr"));
  if (wire.nat && subnet.family === 6) {
    throw invalid(at("nat"), `${renderSubnet(subnet)} is IPv6, which is not translated`);
  }
  const readRanges = (part: "ranges" | "exclusions"): readonly AddressRange[] =>
    readList(wire[part], { field: at(part), max: RANGES_MAX }, (range, rangeField) =>
      decodeRange(range, rangeField, subnet),
    );
  return {
    cidr: renderSubnet(subnet),
    mode: wire.dhcp ? "dhcp" : "static",
    ...(wire.gateway === ""
      ? {}
      : { gateway: renderAddress(readWithin(wire.gateway, at("gateway"), subnet)) }),
    dns: readList(wire.dns, { field: at("dns"), max: DNS_MAX }, readCanonical),
    ranges: readRanges("ranges"),
    exclusions: readRanges("exclusions"),
    ...(wire.domain === "" ? {} : { domain: parseDomain(wire.domain, at("domain")) }),
    nat: wire.nat,
  };
}

const encodeRanges = (ranges: readonly AddressRange[]): pb.AddressRange[] =>
  ranges.map(({ first, last }) => ({ first, last }));

export const encodeSubnet = (subnet: SubnetSpec): pb.SubnetSpec => ({
  cidr: subnet.cidr,
  dhcp: subnet.mode === "dhcp",
  gateway: subnet.gateway ?? "",
  dns: [...subnet.dns],
  ranges: encodeRanges(subnet.ranges),
  exclusions: encodeRanges(subnet.exclusions),
  domain: subnet.domain ?? "",
  nat: subnet.nat,
});
