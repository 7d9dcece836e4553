/**
 * Our marks where each VLAN has a bridge of its own: a bridge and a VLAN device are created in our device group and get an
 * alias, a network is an alternative name of its bridge as on every Linux bridge. Pure.
 */
import { DEVICE_GROUP } from "../devices/device-marks.ts";
import type { KernelLink } from "../links/kernel-links.ts";

export interface VlanBridgeMark {
  /** The beginning of the names of all bridges on one uplink. */
  readonly stem: string;
  /** 0: frames without a tag. */
  readonly vlan: number;
  readonly uplink: string | undefined;
}

/** With "-4094" and a letter in front it has the kernel's 15 characters. */
export const STEM_MAX = 9;

const BRIDGE_ALIAS = /^muster:vlan-bridge stem=(\S+) vlan=(\d{1,4}) uplink=(\S+)$/;
const PORT_ALIAS = "muster:vlan-port";

export const vlanBridgeName = (stem: string, vlan: number): string => `${stem}-${String(vlan)}`;

/** The device that takes the VLAN's frames off the uplink. */
export const vlanPortName = (stem: string, vlan: number): string =>
  `u${vlanBridgeName(stem, vlan)}`;

export const vlanBridgeAlias = ({ stem, vlan, uplink }: VlanBridgeMark): string =>
  `muster:vlan-bridge stem=${stem} vlan=${String(vlan)} uplink=${uplink ?? "none"}`;

export const vlanPortAlias = PORT_ALIAS;

/** Undefined: not ours. One that was made a moment ago and not marked yet is known by its name. */
export function vlanBridgeMark({
  name,
  kind,
  alias,
  group,
}: KernelLink): VlanBridgeMark | undefined {
  if (kind !== "bridge") return undefined;
  const [, stem, vlan, uplink] = BRIDGE_ALIAS.exec(alias) ?? [];
  if (stem !== undefined && vlan !== undefined) {
    return { stem, vlan: Number(vlan), uplink: uplink === "none" ? undefined : uplink };
  }
  if (alias !== "" || group !== DEVICE_GROUP) return undefined;
  const [, unmarkedStem, unmarkedVlan] = /^(.+)-(\d{1,4})$/.exec(name) ?? [];
  if (unmarkedStem === undefined || unmarkedVlan === undefined) return undefined;
  return { stem: unmarkedStem, vlan: Number(unmarkedVlan), uplink: undefined };
}

export const isOurVlanPort = ({ kind, alias, group }: KernelLink): boolean =>
  kind === "vlan" && (alias === PORT_ALIAS || (alias === "" && group === DEVICE_GROUP));
