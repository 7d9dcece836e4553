/** Decides what to change so that exactly the wanted footholds are there. Pure. */
import { aliasOf, deviceOf, insideOf, isFootholdAlias, type Foothold } from "./foothold.ts";
import type { FootholdState } from "./foothold-state.ts";

export type FootholdAction =
  | { readonly kind: "make-namespace"; readonly namespace: string }
  | { readonly kind: "remove-namespace"; readonly namespace: string }
  | { readonly kind: "make-foothold"; readonly foothold: Foothold }
  | { readonly kind: "remove-port"; readonly device: string }
  | { readonly kind: "remove-device"; readonly device: string };

/** What is out of date is removed before anything is made: devices have the same names then. */
export function planFootholds(
  state: FootholdState,
  wanted: readonly Foothold[],
): readonly FootholdAction[] {
  const spaces = new Set(wanted.map(({ namespace }) => namespace));
  const out = wanted.filter((foothold) => !isIntact(state, foothold));
  const devices = new Set([...strayDevices(state, wanted), ...out.map(deviceOf)]);
  return [
    ...[...devices].flatMap((device) => planRemoval(state, device)),
    ...[...state.namespaces.keys()]
      .filter((name) => !spaces.has(name) || !isAlive(state, name))
      .map((namespace) => ({ kind: "remove-namespace", namespace }) as const),
    ...[...spaces]
      .filter((name) => !isAlive(state, name))
      .map((namespace) => ({ kind: "make-namespace", namespace }) as const),
    ...out.map((foothold) => ({ kind: "make-foothold", foothold }) as const),
  ];
}

/** Every namespace has a loopback device. */
const isAlive = ({ namespaces }: FootholdState, name: string): boolean =>
  namespaces.get(name)?.has("lo") === true;

function isIntact(state: FootholdState, foothold: Foothold): boolean {
  const link = state.links.get(deviceOf(foothold));
  if (link?.alias !== aliasOf(foothold) || !link.isUp || !link.hasCarrier) return false;
  if (state.namespaces.get(foothold.namespace)?.has(insideOf(foothold)) !== true) return false;
  const { place } = foothold;
  return place.kind === "openvswitch"
    ? state.ports.get(link.name) === place.vlan
    : link.master === place.bridge;
}

function strayDevices(
  { links, ports }: FootholdState,
  wanted: readonly Foothold[],
): readonly string[] {
  const known = new Set(wanted.map(deviceOf));
  const ours = [...links.values()]
    .filter(({ kind, alias }) => kind === "veth" && isFootholdAlias(alias))
    .map(({ name }) => name);
  return [...ours, ...ports.keys()].filter((device) => !known.has(device));
}

function planRemoval({ links, ports }: FootholdState, device: string): readonly FootholdAction[] {
  const actions: FootholdAction[] = [];
  if (ports.has(device)) actions.push({ kind: "remove-port", device });
  if (links.get(device)?.kind === "veth") actions.push({ kind: "remove-device", device });
  return actions;
}
