/** Names, addresses and identities of the lab's machines: fixed, so that a rebooted host is the same host. */
import { HOSTS_MAX } from "./lab-paths.ts";

export const CONTROL = "ctl";
export const FABRIC = "fabric";

/** The two networks of a host: management (eth0), and the VMs' trunk (eth1). */
export const cables = ["mgmt", "data"] as const;
export type Cable = (typeof cables)[number];

const PREFIX = "10.99.0";
const CONTROL_NUMBER = 250;

/** h7 is 7, ctl is 250. @throws Error for any other name. */
export function numberOf(machine: string): number {
  if (machine === CONTROL) return CONTROL_NUMBER;
  const number = /^h([1-9][0-9]?)$/.exec(machine)?.[1];
  if (number === undefined || Number(number) > HOSTS_MAX) {
    throw new Error(
      `no machine of the lab is called ${machine}: they are h1 to h${HOSTS_MAX}, and ctl`,
    );
  }
  return Number(number);
}

/** The names of the first `count` hosts. */
export function hostNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `h${index + 1}`);
}

/** The management address, without prefix length (it is /24). */
export function addressOf(machine: string): string {
  return `${PREFIX}.${numberOf(machine)}`;
}

/** With random addresses a rebooted host is out of reach until its peers' ARP entries have aged. */
export function macOf(machine: string, cable: Cable): string {
  const hex = numberOf(machine).toString(16).padStart(2, "0");
  return `02:1a:b0:0${cables.indexOf(cable)}:00:${hex}`;
}

/** libvirt takes hosts of equal UUID for one host and refuses to migrate between them. */
export function hostUuid(host: string): string {
  return `1ab00000-0000-4000-8000-${String(numberOf(host)).padStart(12, "0")}`;
}

/** /etc/hosts of every machine. */
export function hostsFile(): string {
  const machines = [CONTROL, ...hostNames(HOSTS_MAX)];
  const lines = machines.map((name) => `${addressOf(name)} ${name} ${name}.lab`);
  return ["127.0.0.1 localhost", "::1 localhost ip6-localhost", ...lines, ""].join("\n");
}
