/**
 * Which addresses of a network are whose, and which one is given out next. Pure. An address is claimed by the record
 * of the VM that has it, so giving it out and claiming it are one transaction, and it is free again when the record goes.
 */
import {
  firstHost,
  invalid,
  isWithin,
  lastHost,
  MusterError,
  parseAddress,
  parseSubnet,
  renderAddress,
  renderSubnet,
  type Address,
  type AddressRange,
  type NetworkSpec,
  type SubnetSpec,
} from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";

export interface AddressUse {
  readonly address: string;
  readonly kind: "vm" | "reservation" | "gateway" | "name-server";
  /** Name of the VM, or whom it is kept for. */
  readonly name: string;
}

/** By address. A reservation that its VM uses shows as the VM's. */
export type AddressBook = ReadonlyMap<string, AddressUse>;

const ownUses = (subnet: SubnetSpec): readonly AddressUse[] => [
  ...(subnet.gateway === undefined
    ? []
    : [{ address: subnet.gateway, kind: "gateway" as const, name: "gateway" }]),
  ...subnet.dns.map((address) => ({ address, kind: "name-server" as const, name: "name server" })),
];

export function addressBook(view: LedgerView, network: NetworkSpec): AddressBook {
  const uses: AddressUse[] = network.subnets.flatMap(ownUses);
  for (const { network: of, address, name } of view.addresses.values()) {
    if (of === network.name) uses.push({ address, kind: "reservation", name });
  }
  for (const { spec } of view.vms.values()) {
    for (const nic of spec.nics) {
      if (nic.network !== network.name) continue;
      for (const address of nic.addresses ?? [])
        uses.push({ address, kind: "vm", name: spec.name });
    }
  }
  return new Map(uses.map((use) => [use.address, use]));
}

interface Span {
  readonly first: bigint;
  readonly last: bigint;
}

const spanOf = ({ first, last }: AddressRange): Span => ({
  first: parseAddress(first, "range").value,
  last: parseAddress(last, "range").value,
});

const byFirst = (left: Span, right: Span): number => (left.first < right.first ? -1 : 1);

/** Where VMs' addresses come from, lowest first. */
function spansOf(subnet: SubnetSpec): readonly Span[] {
  const whole = parseSubnet(subnet.cidr, "cidr");
  const all = { first: firstHost(whole), last: lastHost(whole) };
  if (subnet.ranges.length === 0) return [all];
  return subnet.ranges.map(spanOf).toSorted(byFirst);
}

function freeIn(span: Span, excluded: readonly Span[], isUsed: (value: bigint) => boolean) {
  let value = span.first;
  while (value <= span.last) {
    const hole = excluded.find(({ first, last }) => value >= first && value <= last);
    if (hole !== undefined) value = hole.last + 1n;
    else if (isUsed(value)) value += 1n;
    else return value;
  }
  return undefined;
}

/** The lowest that nobody has; undefined: all are taken. */
export function nextFree(
  subnet: SubnetSpec,
  isTaken: (address: string) => boolean,
): string | undefined {
  const { family } = parseSubnet(subnet.cidr, "cidr");
  const excluded = subnet.exclusions.map(spanOf);
  const isUsed = (value: bigint): boolean => isTaken(renderAddress({ family, value }));
  for (const span of spansOf(subnet)) {
    const value = freeIn(span, excluded, isUsed);
    if (value !== undefined) return renderAddress({ family, value });
  }
  return undefined;
}

/** How many addresses a subnet gives out at all. */
export function sizeOf(subnet: SubnetSpec): bigint {
  const inside = (span: Span, hole: Span): bigint => {
    const first = span.first > hole.first ? span.first : hole.first;
    const last = span.last < hole.last ? span.last : hole.last;
    return last < first ? 0n : last - first + 1n;
  };
  const holes = subnet.exclusions.map(spanOf);
  return spansOf(subnet).reduce(
    (sum, span) =>
      sum +
      (span.last - span.first + 1n) -
      holes.reduce((lost, hole) => lost + inside(span, hole), 0n),
    0n,
  );
}

/** Addresses that could be given out now; those of gateways and the like count only where VMs' addresses come from. */
export function freeCountOf({ subnets }: NetworkSpec, book: AddressBook): bigint {
  const taken = [...book.keys()].map((text) => parseAddress(text, "address"));
  return subnets.reduce((sum, subnet) => {
    const own = taken.filter(
      (address) =>
        isWithin(parseSubnet(subnet.cidr, "cidr"), address) &&
        spansOf(subnet).some(
          ({ first, last }) => address.value >= first && address.value <= last,
        ) &&
        !isExcluded(subnet, address),
    );
    return sum + sizeOf(subnet) - BigInt(own.length);
  }, 0n);
}

export const subnetOf = (network: NetworkSpec, address: Address): SubnetSpec | undefined =>
  network.subnets.find(({ cidr }) => isWithin(parseSubnet(cidr, "cidr"), address));

const isExcluded = (subnet: SubnetSpec, { value }: Address): boolean =>
  subnet.exclusions.map(spanOf).some(({ first, last }) => value >= first && value <= last);

/** What stands for itself in no subnet: its network, or its broadcast address. */
function isHost(subnet: SubnetSpec, { value }: Address): boolean {
  const whole = parseSubnet(subnet.cidr, "cidr");
  return value >= firstHost(whole) && value <= lastHost(whole);
}

export const renderUse = ({ kind, name }: AddressUse): string => {
  switch (kind) {
    case "vm":
      return `VM ${name} has it`;
    case "reservation":
      return `it is reserved for ${name}`;
    case "gateway":
      return "it is the gateway";
    case "name-server":
      return "it is a name server";
  }
};

/** Throws unless the address is one of the network's that may be given to `name` and to nobody else has been. */
export function checkAddress(
  text: string,
  field: string,
  asked: { readonly network: NetworkSpec; readonly book: AddressBook; readonly name: string },
): void {
  const { network, book, name } = asked;
  const address = parseAddress(text, field);
  const subnet = subnetOf(network, address);
  if (subnet === undefined) {
    const subnets = network.subnets.map(({ cidr }) => cidr).join(", ");
    const known = subnets === "" ? "it has none" : `subnets: ${subnets}`;
    throw invalid(field, `${text} is in no subnet of network ${network.name}`, known);
  }
  if (!isHost(subnet, address)) {
    throw invalid(field, `${text} is the network or broadcast address of ${subnet.cidr}`);
  }
  const use = book.get(text);
  const isOwn = use?.kind === "reservation" && use.name === name;
  if (isOwn) return;
  // On an isolated network nothing but a VM can be the gateway; the first one that takes it is.
  if (use?.kind === "gateway" && network.isolated === true) return;
  if (use !== undefined) {
    throw new MusterError("already-exists", `${field}: ${text} is taken: ${renderUse(use)}`, {
      hint: `see: muster address ls --network ${network.name}`,
    });
  }
  if (isExcluded(subnet, address)) {
    throw invalid(field, `${text} is excluded in ${renderSubnet(parseSubnet(subnet.cidr, field))}`);
  }
}
