/** What a NIC may send, whatever kind of bridge it is on. Pure. */
import type { NetworkGuards, NetworkSpec, VmAssignment, VmId } from "@muster/model";

export interface NicGuard {
  readonly vmId: VmId;
  /** Position among the VM's NICs, from 0. */
  readonly index: number;
  readonly mac: string;
  /** What it may not forge. */
  readonly guards: NetworkGuards;
  readonly ipv4: readonly string[];
  /** With the link-local one that is made of the MAC. */
  readonly ipv6: readonly string[];
}

/** fe80:: and the MAC, widened to 64 bits with its universal bit flipped (RFC 4291, appendix A). */
export function linkLocalOf(mac: string): string {
  const octets = mac.split(":").map((octet) => Number.parseInt(octet, 16));
  const [first = 0, second = 0, third = 0, ...rest] = octets;
  const wide = [first ^ 0x02, second, third, 0xff, 0xfe, ...rest];
  const groups = [0, 2, 4, 6].map((at) =>
    (((wide[at] ?? 0) << 8) | (wide[at + 1] ?? 0)).toString(16),
  );
  return `fe80::${groups.join(":")}`;
}

const isIpv6 = (address: string): boolean => address.includes(":");

/** The NICs of a host's VMs that may not send everything. */
export function nicGuardsOf(
  vms: readonly VmAssignment[],
  networkOf: (name: string) => NetworkSpec | undefined,
): readonly NicGuard[] {
  return vms.flatMap(({ id, nics }) =>
    nics.flatMap((nic, index): readonly NicGuard[] => {
      const network = networkOf(nic.network);
      if (network === undefined || nic.unguarded === true) return [];
      const guards = guardsOn(network);
      if (!guards.mac && !guards.arp && !guards.ipv4 && !guards.ipv6) return [];
      const addresses = nic.addresses ?? [];
      return [
        {
          vmId: id,
          index,
          mac: nic.mac,
          guards,
          ipv4: addresses.filter((address) => !isIpv6(address)),
          ipv6: [linkLocalOf(nic.mac), ...addresses.filter(isIpv6)],
        },
      ];
    }),
  );
}

/** On a trunk the guest's frames belong to other networks, whose addresses nobody knows here. */
const guardsOn = ({ guards, segment }: NetworkSpec): NetworkGuards =>
  segment.kind === "trunk" ? { ...guards, arp: false, ipv4: false, ipv6: false } : guards;
