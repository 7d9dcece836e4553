/**
 * VXLANs: each is a device on the NIC or bond of its uplink that finds the other hosts by multicast, in a group of its own. It
 * becomes the uplink of a bridge that carries nothing else. Pure.
 */
import type { NetworkSpec } from "@muster/model";
import type { KernelLink } from "../links/kernel-links.ts";
import type { UplinkDemand } from "./device-demand.ts";
import { isOurVxlan } from "./device-marks.ts";

export interface VxlanDemand {
  readonly device: string;
  readonly vni: number;
  readonly on: string;
  /** Bytes. */
  readonly mtu: number;
  /** "network blue". */
  readonly owner: string;
}

/** Outer Ethernet, IPv4, UDP and VXLAN headers. */
export const VXLAN_OVERHEAD_BYTES = 50;

export const vxlanDevice = (vni: number): string => `vx-${String(vni)}`;

/** No label of an uplink has capital letters. */
export const vxlanLabel = (vni: number): string => `VX${String(vni)}`;

/** Administratively scoped; the lower 24 bits are the VXLAN's id. */
export const multicastGroup = (vni: number): string =>
  `239.${String((vni >> 16) & 255)}.${String((vni >> 8) & 255)}.${String(vni & 255)}`;

interface VxlanQuestion {
  readonly uplinks: ReadonlyMap<string, UplinkDemand>;
  readonly links: ReadonlyMap<string, KernelLink>;
}

/** Undefined: the network is no VXLAN. A text: why it cannot be made. */
export function vxlanOf(
  { name, segment, uplink: label }: NetworkSpec,
  { uplinks, links }: VxlanQuestion,
): VxlanDemand | string | undefined {
  if (segment.kind !== "vxlan") return undefined;
  const { vni } = segment;
  if (label === undefined) {
    return `VXLAN ${String(vni)} needs an uplink whose NIC has an address: muster network set ${name} --uplink LABEL`;
  }
  const uplink = uplinks.get(label);
  // Its own problem is told where networks are put on uplinks.
  if (uplink === undefined || uplink.device === "") return undefined;
  const { device: on, mtu } = uplink;
  if (!hasAddress(on, links)) {
    return `uplink ${label}: ${on} has no IPv4 address, and VXLAN ${String(vni)} travels in UDP from it`;
  }
  const device = vxlanDevice(vni);
  const there = links.get(device);
  if (there !== undefined && !isOurVxlan(there)) {
    return `device ${device} exists and was not made by muster`;
  }
  return { device, vni, on, mtu: mtu - VXLAN_OVERHEAD_BYTES, owner: `network ${name}` };
}

const hasAddress = (device: string, links: ReadonlyMap<string, KernelLink>): boolean =>
  links.get(device)?.addresses.some((address) => !address.includes(":")) === true;
