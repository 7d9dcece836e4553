/**
 * Our marks on Linux bridges: all of them live in the kernel, so they go when the thing goes and survive the agent.
 *
 * * A bridge that we made has an alias that also names its uplink. The alias can only be set after the bridge exists,
 *   so the bridge is created in a device group of ours: one that was just created when the agent was killed is known.
 * * A network is an alternative name of the bridge: "muster.NAME.vlan10.mtu1500", VLAN 0 for one that is not tagged,
 *   "muster.NAME.trunk10+20-29.mtu1500".
 * * A tap has an alias with its VM; until it has, its name says whose it is.
 *
 * Pure.
 */
import type { VmId } from "@muster/model";
import type { KernelLink } from "../links/kernel-links.ts";
import { parseMarkedTrunk, renderMarkedTrunk } from "../marked-trunk.ts";
import type { NetworkDemand } from "../network-demand.ts";

/** A device group nobody else uses; any number but 0 and those of /etc/iproute2/group would do. */
export const BRIDGE_GROUP = "19821";

const BRIDGE_ALIAS = "muster:bridge";
const NETWORK_NAME = /^muster\.(.+)\.(vlan|trunk)([\d+-]+)\.mtu(\d{1,5})$/;

/** The kernel's limit of an alternative name. */
const ALT_NAME_MAX = 127;

export const bridgeAlias = (uplink: string | undefined): string =>
  `${BRIDGE_ALIAS} uplink=${uplink ?? "none"}`;

export const isOurBridge = ({ kind, alias, group }: KernelLink): boolean =>
  kind === "bridge" &&
  (alias.startsWith(`${BRIDGE_ALIAS} `) || (alias === "" && group === BRIDGE_GROUP));

/** The uplink we gave a bridge of ours. */
export function uplinkOfAlias(alias: string): string | undefined {
  const [, uplink] = /^muster:bridge uplink=(\S+)$/.exec(alias) ?? [];
  return uplink === "none" ? undefined : uplink;
}

export function networkAltName({ name, vlan, mtu, trunk }: NetworkDemand): string {
  const frames = trunk === undefined ? `vlan${String(vlan)}` : `trunk${renderMarkedTrunk(trunk)}`;
  return `muster.${name}.${frames}.mtu${String(mtu)}`;
}

/** Why a network cannot be marked. */
export function markLengthProblem(network: NetworkDemand): string | undefined {
  const { length } = networkAltName(network);
  if (length <= ALT_NAME_MAX) return undefined;
  const long = `its mark would have ${String(length)} characters`;
  return `${long}, and a device's name at most ${String(ALT_NAME_MAX)}: fewer ranges of VLANs, or a shorter name`;
}

export interface NetworkMark extends NetworkDemand {
  readonly altName: string;
}

/** Every mark, also two of one network: the agent may have been killed while it replaced one by the other. */
export function networkMarks({ altNames }: KernelLink): readonly NetworkMark[] {
  return altNames.flatMap((altName) => {
    const [, name, kind, frames, mtu] = NETWORK_NAME.exec(altName) ?? [];
    if (name === undefined || frames === undefined || mtu === undefined) return [];
    if (kind === "trunk") {
      return [{ altName, name, vlan: 0, mtu: Number(mtu), trunk: parseMarkedTrunk(frames) }];
    }
    // What nobody of us wrote is nobody of ours.
    if (!/^\d{1,4}$/.test(frames)) return [];
    return [{ altName, name, vlan: Number(frames), mtu: Number(mtu) }];
  });
}

/**
 * At most 15 characters, the kernel's limit. The end of a UUID is random in every version of UUIDs, its beginning is
 * the time of day in some.
 */
export const tapName = (vmId: VmId, index: number): string =>
  `mt${vmId.replaceAll("-", "").slice(-10)}-${String(index)}`;

/** More NICs than QEMU takes; one more digit would make the name too long. */
export const NICS_PER_VM_MAX = 100;

const tapAliasPrefix = (vmId: VmId): string => `muster:tap vm=${vmId} `;

export const tapAlias = (vmId: VmId, index: number): string =>
  `${tapAliasPrefix(vmId)}nic=${String(index)}`;

const isTap = ({ kind }: KernelLink): boolean => kind === "tun";

/** Made by us a moment ago and not marked yet. */
const isUnfinishedTap = (link: KernelLink, vmId: VmId): boolean => {
  const [, index] = /-(\d{1,2})$/.exec(link.name) ?? [];
  if (index === undefined || link.name !== tapName(vmId, Number(index))) return false;
  return isTap(link) && link.alias === "" && link.master === undefined;
};

export const isTapOf = (link: KernelLink, vmId: VmId): boolean =>
  (isTap(link) && link.alias.startsWith(tapAliasPrefix(vmId))) || isUnfinishedTap(link, vmId);

/** A tap of ours, whichever VM's. */
export const isOurTap = (link: KernelLink): boolean =>
  isTap(link) && link.alias.startsWith("muster:tap ");

/** Our own place on a network, see ../../footholds/. */
export const isOurFoothold = ({ kind, alias }: KernelLink): boolean =>
  kind === "veth" && alias.startsWith("muster:foothold ");
