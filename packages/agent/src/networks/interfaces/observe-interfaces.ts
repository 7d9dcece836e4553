/** What is there of the host's own bonds and interfaces, beside what should be. Pure. */
import type { InterfaceObservation, TrafficKind } from "@muster/model";
import type { BondDemand, DeviceDemand } from "../devices/device-demand.ts";
import type { KernelLink } from "../links/kernel-links.ts";
import type { InterfaceDemand } from "./interface-demand.ts";
import { ownerOf } from "./plan-interfaces.ts";
import type { DefaultRoute } from "./read-routes.ts";

export interface InterfacesSeen {
  readonly wanted: readonly InterfaceDemand[];
  readonly devices: DeviceDemand;
  readonly links: ReadonlyMap<string, KernelLink>;
  readonly routes: readonly DefaultRoute[];
  /** Why something could not be made, by its owner. */
  readonly failures: ReadonlyMap<string, string>;
  readonly carries: (devices: readonly string[]) => readonly TrafficKind[];
}

export const observeInterfaces = (seen: InterfacesSeen): readonly InterfaceObservation[] => [
  ...[...seen.devices.bonds.values()]
    .filter(({ owner }) => owner.startsWith("bond "))
    .map((bond) => observeBond(bond, seen)),
  ...[...seen.devices.bondProblems]
    .filter(([name]) => !seen.devices.bonds.has(name))
    .map(([name, problem]) => ({ name, wanted: "a bond", found: "", problem, carries: [] })),
  ...seen.wanted.map((demand) => observeInterface(demand, seen)),
];

const describeBond = (mode: string, members: readonly string[]): string =>
  `${mode} of ${members.join(", ")}`;

function observeBond(
  { spec, members, owner }: BondDemand,
  { links, failures, devices, carries }: InterfacesSeen,
): InterfaceObservation {
  const link = links.get(spec.name);
  const joined = [...links.values()]
    .filter(({ master }) => master === spec.name)
    .map(({ name }) => name);
  const wanted = describeBond(spec.mode, members.toSorted());
  const found = link === undefined ? "" : describeBond(link.bond?.mode ?? "", joined.toSorted());
  const problem =
    failures.get(owner) ??
    devices.bondProblems.get(spec.name) ??
    (wanted === found ? "" : "is not as it should be");
  return { name: spec.name, wanted, found, problem, carries: carries([spec.name, ...members]) };
}

interface Shown {
  readonly on: string;
  readonly addresses: readonly string[];
  readonly gateway: string | undefined;
}

function describe({ on, addresses, gateway }: Shown): string {
  const has = addresses.length === 0 ? "no address" : addresses.toSorted().join(", ");
  return `${on}${has}${gateway === undefined ? "" : ` via ${gateway}`}`;
}

function observeInterface(demand: InterfaceDemand, seen: InterfacesSeen): InterfaceObservation {
  const { name, base, vlan, bridge, addresses, gateway, mtu } = demand;
  const link = seen.links.get(name);
  const port = vlan?.device ?? base;
  const on = bridge === undefined ? "" : `port ${port}, `;
  const wanted = describe({ on, addresses, gateway });
  const isPort = bridge === undefined || seen.links.get(port)?.master === bridge;
  const route = seen.routes.find(
    (each) => each.device === name && (gateway === undefined || each.gateway === gateway),
  );
  const found =
    link === undefined
      ? ""
      : describe({
          on: isPort ? on : "",
          // What others have set on it is theirs.
          addresses: link.addresses.filter((address) => addresses.includes(address)),
          gateway: gateway === undefined ? undefined : route?.gateway,
        });
  const failure = seen.failures.get(ownerOf(name)) ?? demand.problem;
  return {
    name,
    wanted,
    found,
    problem: failure === "" ? stateProblem({ link, mtu, isSame: wanted === found }) : failure,
    carries: base === "" ? [] : seen.carries([name]),
  };
}

function stateProblem(state: {
  readonly link: KernelLink | undefined;
  readonly mtu: number | undefined;
  readonly isSame: boolean;
}): string {
  const { link, mtu, isSame } = state;
  if (link === undefined) return "is not there";
  if (!isSame) return "is not as it should be";
  if (!link.isUp) return "is down";
  if (mtu === undefined || link.mtu === mtu) return "";
  return `has MTU ${String(link.mtu)}, not ${String(mtu)}`;
}
