/**
 * Which entries a port of our bridge needs so that a network's frames pass. Pure.
 *
 * Inside a VLAN-aware bridge every frame belongs to a VLAN. Frames without a tag get one of their own, the highest id,
 * which no network may then have as its tag on the same uplink.
 */
import type { PortVlan } from "../links/bridge-vlans.ts";
import { idsOf, isUntagged, tagsOf, type NetworkDemand } from "../network-demand.ts";

/** What frames without a tag are inside the bridge. */
export const UNTAGGED_VLAN = 4094;

type Frames = Pick<NetworkDemand, "vlan" | "trunk" | "vni">;

const tagged = (vlan: number): PortVlan => ({ vlan, isPvid: false, isUntagged: false });
const bare = (vlan: number): PortVlan => ({ vlan, isPvid: true, isUntagged: true });

/** At the uplink. */
export const uplinkEntries = (frames: Frames): readonly PortVlan[] =>
  isUntagged(frames) ? [bare(UNTAGGED_VLAN)] : idsOf(tagsOf(frames)).map(tagged);

/** At a NIC: one VLAN without its tag, or a trunk's with theirs. */
export const nicEntries = (frames: Frames): readonly PortVlan[] =>
  frames.trunk === undefined
    ? [bare(isUntagged(frames) ? UNTAGGED_VLAN : frames.vlan)]
    : idsOf(frames.trunk).map(tagged);

export const isSameEntry = (left: PortVlan | undefined, right: PortVlan): boolean =>
  left?.isPvid === right.isPvid && left.isUntagged === right.isUntagged;

/** Ids inside the bridge. */
export const bridgeVlansOf = (frames: Frames): readonly number[] =>
  uplinkEntries(frames).map(({ vlan }) => vlan);
