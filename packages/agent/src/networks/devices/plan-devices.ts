/**
 * Decides what to change so that the host has exactly the wanted bonds and MTUs. Pure.
 *
 * In two parts, with bridges made in between: `prepare` gives NICs back and puts bonds together, and raises MTUs from the
 * bottom up; `tidy` lowers MTUs from the top down, and makes NICs that are not used any more what they were.
 *
 * A NIC gets its mark before anything else of it changes, and loses it last.
 */
import { MTU_DEFAULT_BYTES, type BondSpec } from "@muster/model";
import type { KernelLink } from "../links/kernel-links.ts";
import type { BondDemand, DeviceDemand } from "./device-demand.ts";
import {
  bondAlias,
  isOurBond,
  isOurVxlan,
  nicMark,
  vxlanAlias,
  type NicBefore,
  type NicMark,
} from "./device-marks.ts";

import type { VxlanDemand } from "./vxlan-demand.ts";

type Change =
  | { readonly kind: "mark-nic"; readonly device: string; readonly before: NicBefore }
  | { readonly kind: "create-bond"; readonly bond: string; readonly spec: BondSpec }
  | { readonly kind: "mark-bond"; readonly bond: string }
  /** Only without members, and down. */
  | { readonly kind: "change-mode"; readonly bond: string; readonly spec: BondSpec }
  | { readonly kind: "set-bond"; readonly bond: string; readonly options: readonly string[] }
  /** Only while it is down; the kernel raises it. */
  | { readonly kind: "join-bond"; readonly device: string; readonly bond: string }
  | { readonly kind: "leave-bond"; readonly device: string; readonly bond: string }
  | { readonly kind: "delete-bond"; readonly bond: string }
  | { readonly kind: "raise-link" | "lower-link"; readonly device: string }
  | { readonly kind: "set-mtu"; readonly device: string; readonly mtu: number }
  | { readonly kind: "create-vxlan"; readonly device: string; readonly vxlan: VxlanDemand }
  | { readonly kind: "mark-vxlan" | "delete-vxlan"; readonly device: string }
  | { readonly kind: "unmark-nic"; readonly device: string; readonly mark: NicMark };

/** `owner`: whose it is, and what is lost when it fails; absent: nobody's any more. */
export type DeviceAction = Change & { readonly owner?: string };

export interface DevicePlan {
  readonly prepare: readonly DeviceAction[];
  readonly tidy: readonly DeviceAction[];
}

type Links = ReadonlyMap<string, KernelLink>;

/** `held`: NICs that something else needs as they are. */
export function planDevices(
  demand: DeviceDemand,
  links: Links,
  held: ReadonlySet<string> = new Set(),
): DevicePlan {
  const ours = [...links.values()].filter(isOurBond);
  const gone = ours.filter(({ name }) => !demand.bonds.has(name));
  const membersOf = (bond: string): readonly KernelLink[] =>
    [...links.values()].filter(({ master }) => master === bond);
  return {
    prepare: [
      ...gone.flatMap(({ name }) => [
        ...membersOf(name).map((member) => leave(member.name, name)),
        { kind: "delete-bond", bond: name } as const,
      ]),
      ...ours.flatMap(({ name }) => planLeaving(demand.bonds.get(name), membersOf(name))),
      ...[...demand.bonds.values()].flatMap((bond) => planBond(bond, links)),
      ...planUplinkMarks(demand, links),
      ...planMtus(demand, links, "raise"),
      ...planUplinksUp(demand, links),
      ...planVxlans(demand, links),
    ],
    tidy: [...planMtus(demand, links, "lower"), ...planRestore(demand, links, held)],
  };
}

const leave = (device: string, bond: string) => ({ kind: "leave-bond", device, bond }) as const;

function planLeaving(
  bond: BondDemand | undefined,
  members: readonly KernelLink[],
): readonly DeviceAction[] {
  if (bond === undefined) return [];
  return members
    .filter(({ name }) => !bond.members.includes(name))
    .map(({ name }) => ({ ...leave(name, bond.spec.name), owner: bond.owner }));
}

function planBond(demand: BondDemand, links: Links): readonly DeviceAction[] {
  const { spec, members, owner } = demand;
  const bond = spec.name;
  const link = links.get(bond);
  const actions: Change[] = [];
  const isOtherMode = link !== undefined && needsOtherMode(link, spec);
  if (link === undefined) actions.push({ kind: "create-bond", bond, spec });
  if (link?.alias !== bondAlias) actions.push({ kind: "mark-bond", bond });
  const joined = members.filter((member) => links.get(member)?.master === bond);
  if (isOtherMode) {
    actions.push(...joined.map((member) => leave(member, bond)));
    if (link.isUp) actions.push({ kind: "lower-link", device: bond });
    actions.push({ kind: "change-mode", bond, spec });
  }
  const options = link === undefined ? [] : optionsToSet(link, spec);
  if (options.length > 0) actions.push({ kind: "set-bond", bond, options });
  for (const member of members) {
    const nic = links.get(member);
    if (nic === undefined) continue;
    actions.push(...markOnce(nic));
    if (isOtherMode || !joined.includes(member)) {
      if (nic.isUp) actions.push({ kind: "lower-link", device: member });
      actions.push({ kind: "join-bond", device: member, bond });
    } else if (!nic.isUp) actions.push({ kind: "raise-link", device: member });
  }
  if (isOtherMode || link?.isUp !== true) actions.push({ kind: "raise-link", device: bond });
  return actions.map((action) => ({ ...action, owner }));
}

/** The kernel keeps a LACP rate for bonds of every mode; it counts in one. */
const needsOtherMode = ({ bond }: KernelLink, { mode, lacpRate }: BondSpec): boolean =>
  bond?.mode !== mode || (mode === "802.3ad" && bond.lacpRate !== lacpRate);

function optionsToSet({ bond }: KernelLink, spec: BondSpec): readonly string[] {
  const { transmitHash, miimonMs, minLinks } = spec;
  return [
    ...(bond?.transmitHash === transmitHash ? [] : ["xmit_hash_policy", transmitHash]),
    ...(bond?.miimonMs === miimonMs ? [] : ["miimon", String(miimonMs)]),
    ...(bond?.minLinks === minLinks ? [] : ["min_links", String(minLinks)]),
  ];
}

function planMtus(
  demand: DeviceDemand,
  links: Links,
  direction: "raise" | "lower",
): readonly DeviceAction[] {
  const isDue = (now: number, mtu: number): boolean =>
    direction === "raise" ? now < mtu : now > mtu;
  const bonds = [...demand.bonds.values()].flatMap((bond) =>
    planBondMtu(bond, links, direction).filter(({ now, mtu }) => isDue(now, mtu)),
  );
  const nics = [...demand.mtus].flatMap(([device, { mtu, owner }]) => {
    const link = links.get(device);
    return link === undefined || !isDue(link.mtu, mtu) ? [] : [{ link, mtu, owner }];
  });
  return [
    ...bonds.map(({ device, mtu, owner }) => ({ kind: "set-mtu", device, mtu, owner }) as const),
    ...nics.map(
      ({ link, mtu, owner }) => ({ kind: "set-mtu", device: link.name, mtu, owner }) as const,
    ),
  ];
}

/** Every uplink has its mark, whether or not there is something to change: what the host is does not tell how it came there. */
const planUplinkMarks = ({ mtus }: DeviceDemand, links: Links): readonly DeviceAction[] =>
  [...mtus].flatMap(([device, { owner }]) => {
    const link = links.get(device);
    return link === undefined ? [] : markOnce(link).map((change) => ({ ...change, owner }));
  });

const planUplinksUp = ({ mtus }: DeviceDemand, links: Links): readonly DeviceAction[] =>
  [...mtus].flatMap(([device, { owner }]): readonly DeviceAction[] =>
    links.get(device)?.isUp === false ? [{ kind: "raise-link", device, owner }] : [],
  );

function planVxlans({ vxlans }: DeviceDemand, links: Links): readonly DeviceAction[] {
  const gone = [...links.values()].filter((link) => isOurVxlan(link) && !vxlans.has(link.name));
  return [
    ...gone.map(({ name: device }) => ({ kind: "delete-vxlan", device }) as const),
    ...[...vxlans.values()].flatMap((vxlan) => planVxlan(vxlan, links)),
  ];
}

function planVxlan(vxlan: VxlanDemand, links: Links): readonly DeviceAction[] {
  const { device, on, mtu, owner } = vxlan;
  const link = links.get(device);
  const isWrong = link !== undefined && link.vxlan?.on !== on;
  const there = isWrong ? undefined : link;
  const changes: Change[] = isWrong ? [{ kind: "delete-vxlan", device }] : [];
  if (there === undefined) changes.push({ kind: "create-vxlan", device, vxlan });
  if (there?.alias !== vxlanAlias) changes.push({ kind: "mark-vxlan", device });
  if (there?.mtu !== mtu) changes.push({ kind: "set-mtu", device, mtu });
  if (there?.isUp !== true) changes.push({ kind: "raise-link", device });
  return changes.map((change) => ({ ...change, owner }));
}

const markOnce = (nic: KernelLink): readonly Change[] =>
  nicMark(nic) === undefined
    ? [{ kind: "mark-nic", device: nic.name, before: { mtu: nic.mtu, isUp: nic.isUp } }]
    : [];

/** From the bottom up to raise, from the top down to lower. A NIC that joins has the bond's MTU from then on. */
function planBondMtu(bond: BondDemand, links: Links, direction: "raise" | "lower") {
  const { spec, members, mtu, owner } = bond;
  const top = [spec.name];
  const devices = direction === "raise" ? [...members, ...top] : [...top, ...members];
  const bondMtu = links.get(spec.name)?.mtu ?? MTU_DEFAULT_BYTES;
  return devices.map((device) => {
    const link = links.get(device);
    const isMember = link?.master === spec.name;
    return { device, mtu, owner, now: isMember ? link.mtu : bondMtu };
  });
}

/** What no bond and no uplink needs any more is made what it was. */
function planRestore(
  demand: DeviceDemand,
  links: Links,
  held: ReadonlySet<string>,
): readonly DeviceAction[] {
  const needed = new Set([
    ...held,
    ...demand.mtus.keys(),
    ...[...demand.bonds.values()].flatMap(({ members }) => members),
  ]);
  return [...links.values()].flatMap((link) => {
    const mark = nicMark(link);
    const device = link.name;
    if (mark === undefined || needed.has(device)) return [];
    return [
      ...(link.mtu === mark.mtu ? [] : [{ kind: "set-mtu", device, mtu: mark.mtu } as const]),
      ...(link.isUp === mark.isUp
        ? []
        : [{ kind: mark.isUp ? "raise-link" : "lower-link", device } as const]),
      { kind: "unmark-nic", device, mark } as const,
    ];
  });
}
