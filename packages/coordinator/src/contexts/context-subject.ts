/** The VM as its context is written for it: what it got of its networks. Pure. */
import type { ContextAddress, ContextNic, ContextSubject } from "@muster/context";
import {
  isWithin,
  MTU_DEFAULT_BYTES,
  parseAddress,
  parseSubnet,
  type NetworkSpec,
  type NicSpec,
  type SubnetSpec,
  type VmRecord,
} from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";

const subnetOf = (network: NetworkSpec, address: string): SubnetSpec | undefined =>
  network.subnets.find(({ cidr }) =>
    isWithin(parseSubnet(cidr, "cidr"), parseAddress(address, "address")),
  );

/** Addresses that guests learn by DHCP are not written into the context: the guest asks. */
function addressesOf(nic: NicSpec, network: NetworkSpec): readonly ContextAddress[] {
  return (nic.addresses ?? []).flatMap((address): readonly ContextAddress[] => {
    const subnet = subnetOf(network, address);
    if (subnet === undefined || subnet.mode !== "static") return [];
    const { prefixLength } = parseSubnet(subnet.cidr, "cidr");
    const { gateway } = subnet;
    return [{ address, prefixLength, ...(gateway === undefined ? {} : { gateway }) }];
  });
}

function nicOf(nic: NicSpec, network: NetworkSpec | undefined): ContextNic {
  const subnets = network?.subnets ?? [];
  return {
    mac: nic.mac,
    mtu: network?.mtu ?? MTU_DEFAULT_BYTES,
    addresses: network === undefined ? [] : addressesOf(nic, network),
    dns: subnets.flatMap(({ dns }) => dns),
    search: subnets.flatMap(({ domain }) => (domain === undefined ? [] : [domain])),
  };
}

export const contextSubject = (
  { networks }: Pick<LedgerView, "networks">,
  { id, spec }: VmRecord,
): ContextSubject => ({
  id,
  name: spec.name,
  nics: spec.nics.map((nic) => nicOf(nic, networks.get(nic.network)?.spec)),
});
