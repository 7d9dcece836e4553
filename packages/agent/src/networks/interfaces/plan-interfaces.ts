/**
 * Decides what to change so that the host has exactly the wanted interfaces of its own. Pure.
 *
 * In four parts, because bonds are put together in between: `leave` takes away what is not wanted, `take` moves addresses off
 * what becomes part of something, `make` makes the rest, and `giveBack` gives parts that are free again what they had.
 *
 * Notes and marks go on before what they stand for, and come off after it.
 */
import { nicMark, type NicBefore } from "../devices/device-marks.ts";
import type { KernelLink } from "../links/kernel-links.ts";
import type { InterfaceDemand } from "./interface-demand.ts";
import { interfaceAlias, isOurInterface, noteName, notesOf, type Note } from "./interface-marks.ts";
import type { DefaultRoute } from "./read-routes.ts";

type Change =
  | {
      readonly kind: "create-vlan";
      readonly device: string;
      readonly on: string;
      readonly id: number;
    }
  | { readonly kind: "create-bridge"; readonly device: string }
  | { readonly kind: "mark"; readonly device: string }
  | { readonly kind: "mark-nic"; readonly device: string; readonly before: NicBefore }
  | { readonly kind: "delete"; readonly device: string }
  | { readonly kind: "attach"; readonly device: string; readonly bridge: string }
  | { readonly kind: "detach"; readonly device: string }
  | { readonly kind: "set-mtu"; readonly device: string; readonly mtu: number }
  | { readonly kind: "raise-link"; readonly device: string }
  | { readonly kind: "note" | "forget"; readonly device: string; readonly altName: string }
  | {
      readonly kind: "add-address" | "remove-address";
      readonly device: string;
      readonly address: string;
    }
  | {
      readonly kind: "add-route" | "remove-route";
      readonly device: string;
      readonly gateway: string;
      readonly isOurs: boolean;
    };

/** `owner`: whose it is, and what is lost when it fails. */
export type InterfaceAction = Change & { readonly owner: string };

export interface InterfacePlan {
  readonly leave: readonly InterfaceAction[];
  readonly take: readonly InterfaceAction[];
  readonly make: readonly InterfaceAction[];
  readonly giveBack: readonly InterfaceAction[];
}

type Links = ReadonlyMap<string, KernelLink>;

interface Situation {
  readonly links: Links;
  readonly routes: readonly DefaultRoute[];
  readonly wanted: readonly InterfaceDemand[];
}

export const ownerOf = (name: string): string => `interface ${name}`;

const owned = (name: string, changes: readonly Change[]): readonly InterfaceAction[] =>
  changes.map((change) => ({ ...change, owner: ownerOf(name) }));

export function planInterfaces(
  all: readonly InterfaceDemand[],
  links: Links,
  routes: readonly DefaultRoute[],
): InterfacePlan {
  // What cannot be made now keeps what it has.
  const kept = new Set(
    all
      .filter(({ problem }) => problem !== "")
      .flatMap(({ name, vlan, base }) => [name, vlan?.device ?? base]),
  );
  const wanted = all.filter(({ problem }) => problem === "");
  const situation = { links, routes, wanted };
  return {
    leave: [...links.values()].flatMap((link) =>
      kept.has(link.name) ? [] : owned(link.name, planLeaving(link, situation)),
    ),
    take: wanted.flatMap((demand) => owned(demand.name, planTaking(demand, situation))),
    make: wanted.flatMap((demand) => owned(demand.name, planMaking(demand, situation))),
    giveBack:
      kept.size > 0
        ? []
        : [...links.values()].flatMap((link) => owned(link.name, planGivingBack(link, situation))),
  };
}

/** What of ours on a device nobody wants any more. */
function planLeaving(link: KernelLink, { links, routes, wanted }: Situation): readonly Change[] {
  const device = link.name;
  const demand = wanted.find(({ name }) => name === device);
  const changes: Change[] = routes
    .filter((route) => route.isOurs && route.device === device && route.gateway !== demand?.gateway)
    .map(({ gateway }) => ({ kind: "remove-route", device, gateway, isOurs: true }));
  for (const { altName, address } of lastFirst(notesOf("addr", link))) {
    if (demand?.addresses.includes(address) === true) continue;
    if (link.addresses.includes(address)) changes.push({ kind: "remove-address", device, address });
    changes.push({ kind: "forget", device, altName });
  }
  const master = link.master === undefined ? undefined : links.get(link.master);
  const isPart = wanted.some(
    ({ bridge, vlan, base }) => bridge === link.master && (vlan?.device ?? base) === device,
  );
  if (master?.kind === "bridge" && isOurInterface(master) && !isPart) {
    changes.push({ kind: "detach", device });
  }
  const isWanted = wanted.some(({ vlan, bridge }) => vlan?.device === device || bridge === device);
  if (isOurInterface(link) && !isWanted) changes.push({ kind: "delete", device });
  return changes;
}

/** A part's addresses and its way out are noted and taken off it; the whole gets them. */
function planTaking({ parts }: InterfaceDemand, { links, routes }: Situation): readonly Change[] {
  return parts.flatMap((device) => {
    const link = links.get(device);
    if (link === undefined) return [];
    const vias = routes.filter((route) => !route.isOurs && route.device === device);
    const noted = new Set([...notesOf("had", link), ...notesOf("via", link)].map(altNameOf));
    const note = (altName: string): readonly Change[] =>
      noted.has(altName) ? [] : [{ kind: "note", device, altName }];
    return [
      ...vias.flatMap(({ gateway }) => note(noteName("via", device, gateway))),
      ...link.addresses.flatMap((address) => note(noteName("had", device, address))),
      ...vias.map(
        ({ gateway }) => ({ kind: "remove-route", device, gateway, isOurs: false }) as const,
      ),
      ...lastFirst(link.addresses).map(
        (address) => ({ kind: "remove-address", device, address }) as const,
      ),
    ];
  });
}

/** With the first address of a subnet the kernel takes the others of it too. */
const lastFirst = <Item>(items: readonly Item[]): readonly Item[] => items.toReversed();

const altNameOf = ({ altName }: Note): string => altName;

function planMaking(demand: InterfaceDemand, situation: Situation): readonly Change[] {
  const { links } = situation;
  const { base, vlan, bridge } = demand;
  const changes: Change[] = [];
  const nic = links.get(base);
  if (nic !== undefined && nic.kind !== "bond" && nicMark(nic) === undefined) {
    changes.push({ kind: "mark-nic", device: base, before: { mtu: nic.mtu, isUp: nic.isUp } });
  }
  if (vlan !== undefined) {
    const link = links.get(vlan.device);
    const isWrong = link !== undefined && link.vlanOn?.device !== base;
    if (isWrong) changes.push({ kind: "delete", device: vlan.device });
    if (link === undefined || isWrong) {
      changes.push({ kind: "create-vlan", device: vlan.device, on: base, id: vlan.id });
    }
    if (isWrong || link?.alias !== interfaceAlias) {
      changes.push({ kind: "mark", device: vlan.device });
    }
  }
  if (bridge !== undefined) {
    const link = links.get(bridge);
    if (link === undefined) changes.push({ kind: "create-bridge", device: bridge });
    if (link?.alias !== interfaceAlias) changes.push({ kind: "mark", device: bridge });
  }
  const port = vlan?.device ?? base;
  return [
    ...changes,
    ...planMtus(demand, links),
    ...(bridge === undefined || links.get(port)?.master === bridge
      ? []
      : [{ kind: "attach", device: port, bridge } as const]),
    ...[...new Set([base, port, demand.name])]
      .filter((device) => links.get(device)?.isUp !== true)
      .map((device) => ({ kind: "raise-link", device }) as const),
    ...planAddresses(demand, situation),
  ];
}

/** From the bottom up to raise, from the top down to lower. Without an MTU of its own it has that of what is below. */
function planMtus(demand: InterfaceDemand, links: Links): readonly Change[] {
  const { base, baseMtu, vlan, bridge } = demand;
  const nic = links.get(base);
  const below = baseMtu ?? (nic === undefined ? undefined : (nicMark(nic)?.mtu ?? nic.mtu));
  const mtu = demand.mtu ?? below;
  if (mtu === undefined) return [];
  const now = (device: string): number | undefined => links.get(device)?.mtu;
  // A VLAN may have less than the device that others use too.
  const ofBase = vlan === undefined ? mtu : Math.max(mtu, below ?? 0);
  const targets = [
    ...(baseMtu === undefined ? [{ device: base, mtu: ofBase }] : []),
    ...[vlan?.device, bridge].flatMap((device) => (device === undefined ? [] : [{ device, mtu }])),
  ];
  const raised = targets.filter((each) => (now(each.device) ?? 0) < each.mtu);
  const lowered = targets.filter((each) => (now(each.device) ?? 0) > each.mtu).toReversed();
  return [...raised, ...lowered].map((each) => ({ kind: "set-mtu", ...each }));
}

function planAddresses(
  { name: device, addresses, gateway }: InterfaceDemand,
  { links, routes }: Situation,
): readonly Change[] {
  const link = links.get(device);
  const noted = link === undefined ? [] : notesOf("addr", link).map(({ address }) => address);
  const changes: Change[] = [];
  for (const address of addresses) {
    const isThere = link?.addresses.includes(address) === true;
    // One that somebody else has set on it stays theirs.
    if (isThere) continue;
    if (!noted.includes(address)) {
      changes.push({ kind: "note", device, altName: noteName("addr", device, address) });
    }
    changes.push({ kind: "add-address", device, address });
  }
  const hasRoute = routes.some((route) => route.device === device && route.gateway === gateway);
  if (gateway !== undefined && !hasRoute) {
    changes.push({ kind: "add-route", device, gateway, isOurs: true });
  }
  return changes;
}

/** A NIC that is nobody's part any more has its own addresses and its way out again. */
function planGivingBack(link: KernelLink, { routes, wanted }: Situation): readonly Change[] {
  const device = link.name;
  if (wanted.some(({ parts }) => parts.includes(device))) return [];
  const [had, via] = [notesOf("had", link), notesOf("via", link)];
  if (had.length + via.length === 0) return [];
  const isBack = (gateway: string): boolean =>
    routes.some((route) => route.device === device && route.gateway === gateway);
  return [
    ...(link.isUp ? [] : [{ kind: "raise-link", device } as const]),
    ...had
      .filter(({ address }) => !link.addresses.includes(address))
      .map(({ address }) => ({ kind: "add-address", device, address }) as const),
    ...via
      .filter(({ address }) => !isBack(address))
      .map(
        ({ address: gateway }) => ({ kind: "add-route", device, gateway, isOurs: false }) as const,
      ),
    ...[...had, ...via].map(({ altName }) => ({ kind: "forget", device, altName }) as const),
  ];
}
