/** MACs and addresses that two VMs have, wild ones too: seen, never corrected. Pure. */
import {
  isActive,
  parseAddress,
  renderAddress,
  type HostId,
  type VmId,
  type VmObservation,
} from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";

export interface MacClash {
  readonly mac: string;
  /** "VM web-1", "wild VM x on h1". */
  readonly owners: readonly string[];
}

/** What hosts run, as far as it matters here. */
export interface Sightings {
  hosts(): Iterable<readonly [HostId, { readonly vms: ReadonlyMap<VmId, VmObservation> }]>;
}

/** A VM that moves is on two hosts for a while, and is still one. */
export function macClashes(view: LedgerView, observations: Sightings): readonly MacClash[] {
  const owners = new Map<string, Map<VmId, string>>();
  const note = (mac: string, id: VmId, what: string): void => {
    const known = owners.get(mac) ?? new Map<VmId, string>();
    if (!known.has(id)) known.set(id, what);
    owners.set(mac, known);
  };
  for (const { id, spec } of view.vms.values()) {
    for (const { mac } of spec.nics) note(mac, id, `VM ${spec.name}`);
  }
  for (const [hostId, observed] of observations.hosts()) {
    const host = view.hosts.get(hostId)?.name ?? hostId;
    for (const vm of observed.vms.values()) {
      if (view.vms.has(vm.id) || !isActive(vm.state)) continue;
      for (const mac of vm.macs) note(mac, vm.id, `wild VM ${vm.name} on ${host}`);
    }
  }
  return [...owners]
    .filter(([, vms]) => vms.size > 1)
    .map(([mac, vms]) => ({ mac, owners: [...vms.values()].toSorted() }))
    .toSorted((left, right) => (left.mac < right.mac ? -1 : 1));
}

export const renderClash = ({ mac, owners }: MacClash): string =>
  `${mac} is the MAC of ${owners.join(" and of ")}`;

export interface AddressClash {
  readonly network: string;
  /** Canonical text. */
  readonly address: string;
  /** "VM web-1", "a reservation for printer", "host h1". */
  readonly owners: readonly string[];
}

const canonical = (text: string): string => renderAddress(parseAddress(text, "address"));

/**
 * Of what muster knows of: VMs' addresses, reservations for others, and hosts' own interfaces. What a wild VM has inside
 * nobody tells.
 */
export function addressClashes(view: LedgerView): readonly AddressClash[] {
  const owners = new Map<string, Map<string, readonly string[]>>();
  const note = (network: string, text: string, what: string): void => {
    const address = canonical(text);
    const known = owners.get(network) ?? new Map<string, readonly string[]>();
    known.set(address, [...new Set([...(known.get(address) ?? []), what])]);
    owners.set(network, known);
  };
  for (const { spec } of view.vms.values()) {
    for (const { network, addresses = [] } of spec.nics) {
      for (const address of addresses) note(network, address, `VM ${spec.name}`);
    }
  }
  for (const { network, address, name } of view.addresses.values()) {
    const isItsOwn = owners.get(network)?.get(canonical(address))?.includes(`VM ${name}`) === true;
    if (!isItsOwn) note(network, address, `a reservation for ${name}`);
  }
  const onHosts = [...view.interfaces.values()].flatMap(({ spec }) =>
    spec.interfaces.flatMap(({ addresses }) =>
      addresses.map(
        (address) => [canonical(address.split("/")[0] ?? ""), `host ${spec.host}`] as const,
      ),
    ),
  );
  for (const [network, known] of owners) {
    for (const [address, host] of onHosts) {
      if (known.has(address)) note(network, address, host);
    }
  }
  return [...owners].flatMap(([network, known]) =>
    [...known]
      .filter(([, all]) => all.length > 1)
      .map(([address, all]) => ({ network, address, owners: all.toSorted(byText) })),
  );
}

/** VMs first. */
const byText = (left: string, right: string): number => (left < right ? -1 : 1);

export const renderAddressClash = ({ network, address, owners }: AddressClash): string =>
  `${address} on network ${network} is the address of ${owners.join(" and of ")}`;
