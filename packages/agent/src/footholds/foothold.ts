/**
 * Our own place on a network: a pair of devices, one on the network's bridge, the other in a network namespace of ours.
 * What runs there hears the network as a guest would, and guests on it never reach the host itself. Pure.
 *
 * The mark is the alias of the end on the bridge. It is set last and holds a hash of all that the foothold is: what has
 * another one, or none, was not finished or is out of date, and is made anew.
 */
import { createHash } from "node:crypto";
import type { BridgePlace } from "./bridge-place.ts";

/** Namespaces that we make; nobody else's have names like these. */
export const NAMESPACE_PREFIX = "muster-";

/** All probes of a host are sent from here. */
export const PROBE_NAMESPACE = `${NAMESPACE_PREFIX}probe`;

/** Where a network is asked whether an address is taken. */
export const ASK_NAMESPACE = `${NAMESPACE_PREFIX}ask`;

export interface Foothold {
  /** What it is for, one letter: part of the devices' names. */
  readonly purpose: "p" | "d" | "a";
  readonly network: string;
  readonly namespace: string;
  readonly place: BridgePlace;
  /** Bytes. */
  readonly mtu: number;
  /** Of the end in the namespace. Absent: the kernel chooses. */
  readonly macAddress?: string;
  /** Of the end in the namespace, with prefix length. */
  readonly addresses: readonly string[];
  /** Networks that are reached by it directly. Absent: those of its addresses. */
  readonly routes?: readonly string[];
}

const hashOf = (text: string, characters: number): string =>
  createHash("sha256").update(text).digest("hex").slice(0, characters);

/** The end on the bridge. At most 15 characters, the kernel's limit; ten of a hash keep networks apart. */
export const deviceOf = ({ purpose, network }: Pick<Foothold, "purpose" | "network">): string =>
  `m${purpose}${hashOf(network, 10)}`;

/** The end in the namespace. */
export const insideOf = (foothold: Pick<Foothold, "purpose" | "network">): string =>
  `${deviceOf(foothold)}i`;

const ALIAS_PREFIX = "muster:foothold ";

export const isFootholdAlias = (alias: string): boolean => alias.startsWith(ALIAS_PREFIX);

export const aliasOf = (foothold: Foothold): string =>
  `${ALIAS_PREFIX}network=${foothold.network} is=${hashOf(JSON.stringify(foothold), 16)}`;
