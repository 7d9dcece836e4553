/** The VM's NICs as cloud-init wants them: its own form, version 2, and OpenStack's for config drives. */
import { parseAddress } from "@muster/model";
import type { Context, ContextAddress, ContextNic, ContextSubject } from "../context.ts";
import type { YamlValue } from "./yaml.ts";

const isIpv6 = ({ address }: ContextAddress): boolean =>
  parseAddress(address, "address").family === 6;

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

/** A guest has one default route of each family: that of the first NIC that has a gateway. */
export function defaultRoutes(
  nics: readonly ContextNic[],
): ReadonlyMap<ContextAddress, { readonly to: string; readonly via: string }> {
  const routes = new Map<ContextAddress, { to: string; via: string }>();
  const taken = new Set<string>();
  for (const address of nics.flatMap((nic) => nic.addresses)) {
    const to = isIpv6(address) ? "::/0" : "0.0.0.0/0";
    if (address.gateway === undefined || taken.has(to)) continue;
    taken.add(to);
    routes.set(address, { to, via: address.gateway });
  }
  return routes;
}

export const serversOf = (context: Context, nic: ContextNic): readonly string[] =>
  unique([...nic.dns, ...context.dns.servers]);

export const searchOf = (context: Context, nic: ContextNic): readonly string[] =>
  unique([...nic.search, ...context.dns.search]);

export function networkConfig(
  context: Context,
  { nics }: ContextSubject,
): { readonly [name: string]: YamlValue } {
  const defaults = defaultRoutes(nics);
  const ethernets = nics.map((nic, index) => {
    const name = `eth${String(index)}`;
    // Not "routes": cloud-init's writer of /etc/network/interfaces makes a wrong route of "::/0".
    const gateways = nic.addresses.flatMap((each) => {
      const via = defaults.get(each)?.via;
      return via === undefined ? [] : [[isIpv6(each) ? "gateway6" : "gateway4", via] as const];
    });
    const addresses = nic.addresses.map((each) => `${each.address}/${String(each.prefixLength)}`);
    const servers = serversOf(context, nic);
    const search = searchOf(context, nic);
    const nameservers = { addresses: servers, search };
    return [
      name,
      {
        match: { macaddress: nic.mac },
        "set-name": name,
        mtu: nic.mtu,
        dhcp4: addresses.length === 0,
        ...(addresses.length === 0 ? {} : { addresses }),
        ...Object.fromEntries(gateways),
        ...(servers.length + search.length === 0 ? {} : { nameservers }),
      },
    ] as const;
  });
  return { version: 2, ethernets: Object.fromEntries(ethernets) };
}

/** "255.255.255.0" of 24. */
export function netmaskOf(prefixLength: number, version: 4 | 6 = 4): string {
  const bits = version === 4 ? 32 : 128;
  const ones = (1n << BigInt(prefixLength)) - 1n;
  const value = ones << BigInt(bits - prefixLength);
  const width = version === 4 ? 8n : 16n;
  const groups = Array.from({ length: version === 4 ? 4 : 8 }, (_, index) => {
    const shift = BigInt(bits) - width * BigInt(index + 1);
    return (value >> shift) & ((1n << width) - 1n);
  });
  return version === 4
    ? groups.map(String).join(".")
    : groups.map((group) => group.toString(16)).join(":");
}

/** OpenStack's network_data.json: the only static form cloud-init takes from a config drive. */
export function networkData(context: Context, { nics }: ContextSubject): object {
  const defaults = defaultRoutes(nics);
  const networks = nics.flatMap((nic, index) => {
    const link = `eth${String(index)}`;
    if (nic.addresses.length === 0) return [{ id: `${link}-dhcp`, link, type: "ipv4_dhcp" }];
    return nic.addresses.map((each, order) => {
      const version = isIpv6(each) ? 6 : 4;
      const route = defaults.get(each);
      const [network, netmask] = version === 6 ? ["::", "::"] : ["0.0.0.0", "0.0.0.0"];
      return {
        id: `${link}-${String(order)}`,
        link,
        type: version === 6 ? "ipv6" : "ipv4",
        ip_address: each.address,
        netmask: netmaskOf(each.prefixLength, version),
        routes: route === undefined ? [] : [{ network, netmask, gateway: route.via }],
      };
    });
  });
  const servers = unique(nics.flatMap((nic) => serversOf(context, nic)));
  return {
    links: nics.map((nic, index) => ({
      id: `eth${String(index)}`,
      type: "phy",
      ethernet_mac_address: nic.mac,
      mtu: nic.mtu,
    })),
    networks,
    services: servers.map((address) => ({ type: "dns", address })),
  };
}
