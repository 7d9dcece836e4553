/**
 * What must hold before a NIC or bond may become a bridge's uplink. Pure.
 *
 * A device that carries addresses is refused: putting it into a bridge takes them out of use, and with them maybe
 * the only way to reach the host.
 */
import type { KernelLink } from "./links/kernel-links.ts";

export interface UplinkQuestion {
  readonly uplink: string;
  readonly bridge: string;
  readonly links: ReadonlyMap<string, KernelLink>;
}

/** Why this device cannot be added to the bridge; undefined: it can. */
export function uplinkProblem({ uplink, bridge, links }: UplinkQuestion): string | undefined {
  const link = links.get(uplink);
  if (link === undefined) return `uplink ${uplink} does not exist on this host`;
  if (link.master !== undefined) {
    return `uplink ${uplink} belongs to ${link.master} and cannot be added to bridge ${bridge}`;
  }
  const [address] = link.addresses;
  if (address === undefined) return undefined;
  return `uplink ${uplink} carries address ${address}: adding it to bridge ${bridge} could cut this host off`;
}

/** Why frames do not pass an uplink that is in its bridge; undefined: they do. */
export function linkProblem({
  name,
  isUp,
  hasCarrier,
}: Pick<KernelLink, "name" | "isUp" | "hasCarrier">): string | undefined {
  if (!isUp) return `uplink ${name} is down`;
  return hasCarrier ? undefined : `uplink ${name} has no carrier`;
}
