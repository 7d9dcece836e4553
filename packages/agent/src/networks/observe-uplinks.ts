/** What is there of the uplinks that a host should have. Pure. */
import type { UplinkObservation } from "@muster/model";
import type { DeviceDemand, UplinkDemand } from "./devices/device-demand.ts";
import type { KernelLink } from "./links/kernel-links.ts";

type Links = ReadonlyMap<string, KernelLink>;

/** `failures`: why something could not be made, by its owner. */
export const observeUplinks = (
  { uplinks }: DeviceDemand,
  links: Links,
  failures: ReadonlyMap<string, string>,
): readonly UplinkObservation[] =>
  [...uplinks.values()].map((uplink) => ({
    label: uplink.label,
    device: uplink.device,
    members: uplink.members,
    mtu: links.get(uplink.device)?.mtu ?? 0,
    problem: failures.get(`uplink ${uplink.label}`) ?? problemOf(uplink, links),
    carries: [],
  }));

function problemOf(uplink: UplinkDemand, links: Links): string {
  const { device, members, mtu, problem } = uplink;
  if (problem !== "") return problem;
  const link = links.get(device);
  if (link === undefined) return `${device} is not there`;
  if (link.mtu < mtu) return `${device} has MTU ${String(link.mtu)}, not ${String(mtu)}`;
  const outside = members.filter((member) => links.get(member)?.master !== device);
  if (outside.length > 0) return `${outside.join(", ")}: not a member of ${device}`;
  const dead = members.filter((member) => links.get(member)?.hasCarrier !== true);
  if (dead.length > 0) {
    const count = `${String(dead.length)} of ${String(members.length)} members of ${device}`;
    return `${count} have no carrier: ${dead.join(", ")}`;
  }
  if (!link.isUp) return `${device} is down`;
  return link.hasCarrier ? "" : `${device} has no carrier`;
}
