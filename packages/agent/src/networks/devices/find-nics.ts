/** Which NICs of a host somebody means. Pure. */
import type { NicMatch } from "@muster/model";
import type { KernelLink } from "../links/kernel-links.ts";

export interface HostDevices {
  readonly links: ReadonlyMap<string, KernelLink>;
  /** Name of the kernel's driver by device; only of those that were asked for. */
  readonly drivers: ReadonlyMap<string, string>;
}

/** What stands for hardware: in a test a cable between namespaces, or a card that leads nowhere. */
const NIC_KINDS: ReadonlySet<string> = new Set(["", "veth", "dummy"]);

/** Not a bridge, bond, VLAN or tap: those are found by their exact name only. */
export const isNic = ({ name, kind }: KernelLink): boolean => NIC_KINDS.has(kind) && name !== "lo";

const fits = (text: string, pattern: string): boolean =>
  pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;

/** Also while it wears the address of its bond. */
const macOf = ({ permanentMac, macAddress }: KernelLink): string => permanentMac ?? macAddress;

function isMeant(match: NicMatch, link: KernelLink, driver: string | undefined): boolean {
  switch (match.by) {
    case "name": {
      if (!match.name.endsWith("*")) {
        return link.name === match.name || link.altNames.includes(match.name);
      }
      return isNic(link) && fits(link.name, match.name);
    }
    case "mac":
      return isNic(link) && macOf(link) === match.mac;
    case "driver":
      return isNic(link) && driver !== undefined && fits(driver, match.driver);
  }
}

/** Names, sorted. */
export const findNics = (match: NicMatch, { links, drivers }: HostDevices): readonly string[] =>
  [...links.values()]
    .filter((link) => isMeant(match, link, drivers.get(link.name)))
    .map(({ name }) => name)
    .toSorted();

/** "NIC eth1", "NIC with MAC 52:54:00:00:00:01", "NIC of driver ixgbe*". */
export function describeMatch(match: NicMatch): string {
  switch (match.by) {
    case "name":
      return `NIC ${match.name}`;
    case "mac":
      return `NIC with MAC ${match.mac}`;
    case "driver":
      return `NIC of driver ${match.driver}`;
  }
}
