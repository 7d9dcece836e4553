/**
 * Our marks on the host's own interfaces. They live in the kernel as all others do.
 *
 * * A VLAN device or bridge that we made is created in a device group of ours and gets an alias.
 * * An address that we set is an alternative name of its device: "muster.addr.br-lan.10.0.0.5+24".
 * * An address that a NIC had before it became part of something, and that this now has, is an alternative name of the NIC,
 *   "muster.had.eth0.10.0.0.5+24"; the gateway that was reached by it is "muster.via.eth0.10.0.0.1".
 * * A route that we set has a protocol number of our own.
 *
 * Pure.
 */
import type { KernelLink } from "../links/kernel-links.ts";

export const interfaceAlias = "muster:interface";

/** Not that of bridges for VMs: what was just made and is not marked yet must be known for what it is. */
export const INTERFACE_GROUP = "19822";

/** Numbers above 191 are nobody's (/etc/iproute2/rt_protos). */
export const ROUTE_PROTOCOL = "196";

export const isOurInterface = ({ kind, alias, group }: KernelLink): boolean =>
  (kind === "vlan" || kind === "bridge") &&
  (alias === interfaceAlias || (alias === "" && group === INTERFACE_GROUP));

type NoteKind = "addr" | "had" | "via";

/** "/" and ":" cannot be in a device's name. */
const encoded = (address: string): string => address.replaceAll(":", "_").replace("/", "+");
const decoded = (text: string): string => text.replaceAll("_", ":").replace("+", "/");

export const noteName = (kind: NoteKind, device: string, address: string): string =>
  `muster.${kind}.${device}.${encoded(address)}`;

export interface Note {
  readonly altName: string;
  readonly address: string;
}

/** What is noted on a device; a device's name may have dots, an address of either kind begins after the last that fits. */
export function notesOf(kind: NoteKind, { altNames }: KernelLink): readonly Note[] {
  const pattern = new RegExp(
    `^muster\\.${kind}\\..+?\\.((?:\\d+\\.){3}\\d+(?:\\+\\d+)?|[0-9a-f_]+(?:\\+\\d+)?)$`,
  );
  return altNames.flatMap((altName) => {
    const [, address] = pattern.exec(altName) ?? [];
    return address === undefined ? [] : [{ altName, address: decoded(address) }];
  });
}
