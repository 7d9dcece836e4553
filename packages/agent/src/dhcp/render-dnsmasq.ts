/** The configuration of the dnsmasq that serves one network on one host. Pure. */
import { parseSubnet } from "@muster/model";
import type { DhcpNetwork } from "./plan-dhcp.ts";

export interface DnsmasqFiles {
  readonly directory: string;
  /** In the namespace. */
  readonly device: string;
}

/** Half a day: guests ask again after half of it, and who moved asks everybody after seven eighths. */
const LEASE = "12h";

/**
 * Only VMs in the list are answered: the others are other hosts'. Whoever is in it is known even when the lease is not:
 * it was given by the host where the VM was before.
 */
export function renderDnsmasq(
  { network, subnets }: DhcpNetwork,
  { directory, device }: DnsmasqFiles,
): string {
  const lines = [
    "# Made by muster-agent; it is written anew whenever anything changes.",
    // No names are served.
    "port=0",
    "no-resolv",
    "no-hosts",
    "no-ping",
    "bind-dynamic",
    `interface=${device}`,
    "except-interface=lo",
    "dhcp-authoritative",
    "dhcp-ignore=tag:!known",
    `dhcp-hostsfile=${hostsPath(directory, network.name)}`,
    `dhcp-leasefile=${directory}/${network.name}.leases`,
    ...subnets.flatMap((subnet, index) => {
      const tag = `subnet${String(index)}`;
      const [first = "", prefix = "0"] = subnet.cidr.split("/");
      const option = (name: string, value: string): string =>
        `dhcp-option=tag:${tag},option:${name},${value}`;
      return [
        `shared-network=${device},${first}`,
        `dhcp-range=set:${tag},${first},static,${maskOf(Number(prefix))},${LEASE}`,
        // An empty one: dnsmasq would name itself.
        `dhcp-option=tag:${tag},option:router${subnet.gateway === undefined ? "" : `,${subnet.gateway}`}`,
        `dhcp-option=tag:${tag},option:dns-server${subnet.dns
          .filter((each) => !each.includes(":"))
          .map((each) => `,${each}`)
          .join("")}`,
        ...(subnet.domain === undefined ? [] : [option("domain-name", subnet.domain)]),
        ...(network.mtu === 1500 ? [] : [option("mtu", String(network.mtu))]),
      ];
    }),
  ];
  return `${lines.join("\n")}\n`;
}

export const configPath = (directory: string, network: string): string =>
  `${directory}/${network}.conf`;

export const hostsPath = (directory: string, network: string): string =>
  `${directory}/${network}.hosts`;

export const renderHosts = ({ leases }: DhcpNetwork): string =>
  leases
    .map(({ mac, address, name }) => `${mac},${address},${name.split(".")[0] ?? ""}\n`)
    .join("");

/** The whole subnets, so that answers find their way. */
export const routesOf = ({ subnets }: DhcpNetwork): readonly string[] =>
  subnets.map(({ cidr }) => {
    parseSubnet(cidr, "cidr");
    return cidr;
  });

function maskOf(prefix: number): string {
  const bits = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
  return [24, 16, 8, 0].map((shift) => String((bits >>> shift) & 0xff)).join(".");
}
