/** What of the host's own traffic a change would delete or re-tag. Pure. */
import {
  sameData,
  type NetworkObservation,
  type NetworkSpec,
  type TrafficKind,
} from "@muster/model";
import { noLayout, type HostLayout, type LayoutObservation } from "../networks/host-layout.ts";

export interface NetworkWhole {
  readonly networks: readonly NetworkSpec[];
  readonly layout?: HostLayout;
}

export interface Carried extends LayoutObservation {
  readonly networks: readonly NetworkObservation[];
}

const words: Readonly<Record<TrafficKind, string>> = {
  agent: "the agent's connection to the coordinator",
  migration: "migrations",
};

const reason = (what: string, carries: readonly TrafficKind[]): string =>
  `${what}, which carries ${carries.map((kind) => words[kind]).join(" and ")}`;

/** How frames travel, which is what counts: an MTU or a subnet may change. */
const wayOf = ({ segment, uplink = "" }: NetworkSpec): unknown => [segment, uplink];

/** A line for each thing; none: nothing that is protected is touched. */
export function protectedChanges(
  before: NetworkWhole,
  after: NetworkWhole,
  { networks, uplinks, interfaces }: Carried,
): readonly string[] {
  const [layoutBefore, layoutAfter] = [before.layout ?? noLayout, after.layout ?? noLayout];
  const ofNetworks = networks.flatMap(({ name, carries }) => {
    const was = before.networks.find((network) => network.name === name);
    if (carries.length === 0 || was === undefined) return [];
    const is = after.networks.find((network) => network.name === name);
    if (is === undefined) return [reason(`removes network ${name}`, carries)];
    return sameData(wayOf(was), wayOf(is)) ? [] : [reason(`re-tags network ${name}`, carries)];
  });
  const ofUplinks = uplinks.flatMap(({ label, carries }) => {
    const find = (layout: HostLayout) => layout.uplinks.find((uplink) => uplink.label === label);
    const was = find(layoutBefore);
    if (carries.length === 0 || was === undefined) return [];
    const is = find(layoutAfter);
    if (is === undefined) return [reason(`removes uplink ${label}`, carries)];
    const isSame = sameData([was.members, was.bond], [is.members, is.bond]);
    return isSame ? [] : [reason(`changes the NICs of uplink ${label}`, carries)];
  });
  const own = interfaces.filter(({ carries }) => carries.length > 0);
  const isOwnSame =
    sameData(layoutBefore.interfaces, layoutAfter.interfaces) &&
    sameData(layoutBefore.bonds, layoutAfter.bonds);
  const ofInterfaces = isOwnSame
    ? []
    : own.map(({ name, carries }) =>
        reason(`changes the host's interfaces beside ${name}`, carries),
      );
  return [...ofNetworks, ...ofUplinks, ...ofInterfaces];
}
