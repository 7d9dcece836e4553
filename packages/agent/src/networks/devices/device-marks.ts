/**
 * Our marks on bonds and NICs: like those on bridges they live in the kernel.
 *
 * * A bond that we made is created in our device group and gets an alias.
 * * A VXLAN device that we made likewise.
 * * A NIC that we took into a bond or whose MTU we set has an alternative name that says how it was before:
 *   "muster.nic.eth1.mtu1500.up". It goes when the NIC is as it was.
 *
 * Pure.
 */
import type { KernelLink } from "../links/kernel-links.ts";

/** A device group nobody else uses; any number but 0 and those of /etc/iproute2/group would do. */
export const DEVICE_GROUP = "19821";

const BOND_ALIAS = "muster:bond";
const NIC_NAME = /^muster\.nic\.(.+)\.mtu(\d{1,5})\.(up|down)$/;

export const bondAlias = BOND_ALIAS;

export const isOurBond = ({ kind, alias, group }: KernelLink): boolean =>
  kind === "bond" && (alias === BOND_ALIAS || (alias === "" && group === DEVICE_GROUP));

export const vxlanAlias = "muster:vxlan";

export const isOurVxlan = ({ kind, alias, group }: KernelLink): boolean =>
  kind === "vxlan" && (alias === vxlanAlias || (alias === "" && group === DEVICE_GROUP));

/** How a NIC was before we touched it. */
export interface NicBefore {
  readonly mtu: number;
  readonly isUp: boolean;
}

export interface NicMark extends NicBefore {
  readonly altName: string;
}

export const nicAltName = (device: string, { mtu, isUp }: NicBefore): string =>
  `muster.nic.${device}.mtu${String(mtu)}.${isUp ? "up" : "down"}`;

/** The first of several: it was there before the others. */
export function nicMark({ altNames }: KernelLink): NicMark | undefined {
  for (const altName of altNames) {
    const [, , mtu, state] = NIC_NAME.exec(altName) ?? [];
    if (mtu !== undefined) return { altName, mtu: Number(mtu), isUp: state === "up" };
  }
  return undefined;
}
