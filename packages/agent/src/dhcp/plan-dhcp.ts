/** Which networks of a host get their addresses by DHCP, and who gets which. Pure. */
import type { NetworkObservation, NetworkSpec, SubnetSpec, VmAssignment } from "@muster/model";

export interface DhcpLease {
  readonly mac: string;
  readonly address: string;
  /** Of the VM: its host name. */
  readonly name: string;
}

export interface DhcpNetwork {
  readonly network: NetworkSpec;
  /** As it is on this host. */
  readonly observed: NetworkObservation;
  /** IPv4 only. */
  readonly subnets: readonly SubnetSpec[];
  /** Of this host's VMs only, those on their way here too: each host serves its own. */
  readonly leases: readonly DhcpLease[];
}

const isIpv4 = (text: string): boolean => !text.includes(":");

export function planDhcp(
  vms: readonly VmAssignment[],
  networks: readonly NetworkSpec[],
  observed: readonly NetworkObservation[],
): readonly DhcpNetwork[] {
  const ready = new Map(observed.map((network) => [network.name, network]));
  return networks.flatMap((network): readonly DhcpNetwork[] => {
    const here = ready.get(network.name);
    const subnets = network.subnets.filter(({ mode, cidr }) => mode === "dhcp" && isIpv4(cidr));
    if (here?.state !== "ready" || subnets.length === 0) return [];
    return [{ network, observed: here, subnets, leases: leasesOn(network.name, vms) }];
  });
}

const leasesOn = (network: string, vms: readonly VmAssignment[]): readonly DhcpLease[] =>
  vms
    .flatMap(({ name, nics }) =>
      nics.flatMap((nic) => {
        const address = nic.network === network ? nic.addresses?.find(isIpv4) : undefined;
        return address === undefined ? [] : [{ mac: nic.mac, address, name }];
      }),
    )
    .toSorted((left, right) => (left.mac < right.mac ? -1 : 1));
