/** The flags that describe a network, for `network create` and `network set`. */
import { parseName } from "@muster/model";
import type { Command } from "commander";
import { parseMtu, parseSubnetFlag, parseVlanFlag, wholeNumber } from "../spec/network-flags.ts";
import { repeated } from "./flags.ts";

/** Which hosts: the same for networks and uplinks. */
export const addHostChoiceFlags = (command: Command): Command =>
  command
    .option(
      "--host <host>",
      "only on this host; repeat for more (default: every host)",
      repeated((text) => parseName(text, "--host")),
    )
    .option("--all-hosts", "on every host")
    .option("--pool <pool>", "on the hosts of this pool")
    .option("--labels <query>", 'on hosts whose labels fit: "rack=7,!old"');

export const addNetworkFlags = (command: Command): Command =>
  addHostChoiceFlags(command)
    .option("--vlan <id>", "VLAN id, 1 to 4094", parseVlanFlag)
    .option("--untagged", "frames travel without a VLAN id")
    .option("--trunk <ids>", 'guests tag frames themselves, with these ids: "10,20-29"')
    .option("--vxlan <id>", "VXLAN identifier, 1 to 16777215", (text) =>
      wholeNumber(text, "--vxlan"),
    )
    .option("--mtu <bytes>", "MTU (default: 1500)", parseMtu)
    .option(
      "--uplink <label>",
      "uplink it rides on (default: the one of the agent's configuration)",
    )
    .option("--required", "a host that cannot have it takes no new VM with a NIC")
    .option("--optional", "a host that cannot have it takes other VMs (default)")
    .option(
      "--subnet <CIDR[,gateway=IP][,range=A-B][,exclude=A-B][,dns=IP][,domain=D][,dhcp=yes]>",
      "addresses for VMs; several ranges are joined by +; repeat for more",
      repeated(parseSubnetFlag),
    )
    .option("--without-subnets", "muster gives out no addresses")
    .option("--isolated", "no host routes it: its subnets may be those of other networks too")
    .option("--guard <guards>", "all, none, or some of mac+arp+ipv4+ipv6")
    .option("--macs <pool>", "cluster, random, prefix=52:54:00 or from-ipv4=02:00");
