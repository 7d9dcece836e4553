/** What a host's own interfaces ask of its devices, now that it is known which NICs are there. Pure. */
import { assertNever, type HostInterfaceSpec } from "@muster/model";
import { vlanDeviceName } from "../bridge-names.ts";
import type { DeviceDemand } from "../devices/device-demand.ts";
import { describeMatch, findNics, type HostDevices } from "../devices/find-nics.ts";
import type { HostLayout } from "../host-layout.ts";
import { isOurInterface, notesOf } from "./interface-marks.ts";
import type { DefaultRoute } from "./read-routes.ts";

export interface InterfaceDemand {
  /** The device that has the addresses. */
  readonly name: string;
  /** A NIC or bond; empty: there is none. */
  readonly base: string;
  readonly vlan?: { readonly device: string; readonly id: number };
  readonly bridge?: string;
  readonly addresses: readonly string[];
  readonly gateway?: string;
  readonly mtu?: number;
  /** Of the base, where a bond or an uplink decides it. */
  readonly baseMtu?: number;
  /** Devices that become part of it: what they have of addresses goes to it. */
  readonly parts: readonly string[];
  /** Not empty: it cannot be made, and nothing of it is. */
  readonly problem: string;
}

export interface InterfaceQuestion extends HostDevices {
  readonly layout: HostLayout;
  readonly devices: DeviceDemand;
  readonly routes: readonly DefaultRoute[];
  /** The bridge that a device is a port of. */
  readonly bridgeOf: ReadonlyMap<string, string>;
}

export function demandOfInterfaces(question: InterfaceQuestion): readonly InterfaceDemand[] {
  const taken = new Set<string>();
  return question.layout.interfaces.map((spec) => {
    const demand = demandOf(spec, question);
    if (demand.problem !== "") return demand;
    if (taken.has(demand.name)) {
      return { ...demand, problem: `${demand.name} is there twice: an interface has one place` };
    }
    taken.add(demand.name);
    return demand;
  });
}

function demandOf(spec: HostInterfaceSpec, question: InterfaceQuestion): InterfaceDemand {
  const base = baseOf(spec, question);
  if (!base.ok) return { ...nothing, name: nameWithout(spec), problem: base.problem };
  const { device, members } = base;
  const vlan =
    spec.vlan === undefined
      ? undefined
      : { device: vlanDeviceName(device, spec.vlan), id: spec.vlan };
  const { bonds, mtus } = question.devices;
  const baseMtu = bonds.get(device)?.mtu ?? mtus.get(device)?.mtu;
  const demand: InterfaceDemand = {
    name: spec.bridge ?? vlan?.device ?? device,
    base: device,
    ...(vlan === undefined ? {} : { vlan }),
    ...(spec.bridge === undefined ? {} : { bridge: spec.bridge }),
    addresses: spec.addresses,
    ...(spec.gateway === undefined ? {} : { gateway: spec.gateway }),
    ...(spec.mtu === undefined ? {} : { mtu: spec.mtu }),
    ...(baseMtu === undefined ? {} : { baseMtu }),
    parts: [...members, ...(spec.bridge === undefined || vlan !== undefined ? [] : [device])],
    problem: "",
  };
  return { ...demand, problem: problemOf(demand, spec, question) };
}

const nothing = { base: "", addresses: [], parts: [] } as const;

function nameWithout({ device, bridge }: HostInterfaceSpec): string {
  if (bridge !== undefined) return bridge;
  return device.kind === "bond" ? device.bond : describeMatch(device.nic);
}

type Base =
  | { readonly ok: true; readonly device: string; readonly members: readonly string[] }
  | { readonly ok: false; readonly problem: string };

function baseOf({ device }: HostInterfaceSpec, question: InterfaceQuestion): Base {
  switch (device.kind) {
    case "bond": {
      const bond = question.devices.bonds.get(device.bond);
      if (bond !== undefined) return { ok: true, device: device.bond, members: bond.members };
      const problem = question.devices.bondProblems.get(device.bond) ?? "it is not made";
      return { ok: false, problem: `bond ${device.bond}: ${problem}` };
    }
    case "nic": {
      const found = findNics(device.nic, question);
      const [nic] = found;
      const what = describeMatch(device.nic);
      if (nic === undefined) return { ok: false, problem: `this host has no ${what}` };
      if (found.length === 1) return { ok: true, device: nic, members: [] };
      const names = found.join(", ");
      return {
        ok: false,
        problem: `${what} fits ${String(found.length)} NICs, ${names}: name one`,
      };
    }
    default:
      return assertNever(device);
  }
}

function problemOf(
  demand: InterfaceDemand,
  spec: HostInterfaceSpec,
  question: InterfaceQuestion,
): string {
  return (
    sourceProblem(spec) ??
    ownershipProblem(demand, question) ??
    useProblem(demand, question) ??
    addressProblem(demand, question) ??
    routeProblem(demand, question) ??
    mtuProblem(demand, question) ??
    ""
  );
}

function sourceProblem({ source, dns }: HostInterfaceSpec): string | undefined {
  if (source === "dhcp") {
    return "source dhcp: agents of this version set static addresses; run a DHCP client on the host for it";
  }
  if (dns.length === 0) return undefined;
  return `dns: agents of this version set no name servers; put ${dns.join(", ")} into the host's own configuration`;
}

/** What is called so and was not made by us is somebody's. */
function ownershipProblem(
  { vlan, bridge }: InterfaceDemand,
  { links }: InterfaceQuestion,
): string | undefined {
  for (const name of [vlan?.device, bridge]) {
    const link = name === undefined ? undefined : links.get(name);
    if (link === undefined || isOurInterface(link)) continue;
    return `device ${link.name} exists and was not made by muster`;
  }
  return undefined;
}

function useProblem(
  { base, vlan, bridge }: InterfaceDemand,
  { devices, links, bridgeOf }: InterfaceQuestion,
): string | undefined {
  if (vlan !== undefined) return undefined;
  const uplink = [...devices.uplinks.values()].find(({ device }) => device === base);
  if (uplink !== undefined) {
    return `${base} is uplink ${uplink.label}: put the address on a VLAN of it, or on another NIC`;
  }
  const master = bridgeOf.get(base) ?? links.get(base)?.master;
  if (master === undefined || master === bridge) return undefined;
  const owner = links.get(master);
  return owner !== undefined && isOurInterface(owner) ? undefined : `${base} belongs to ${master}`;
}

/** Addresses that a part has go to the whole, so the whole has to have them. */
function addressProblem(
  { name, parts, addresses }: InterfaceDemand,
  { links }: InterfaceQuestion,
): string | undefined {
  for (const part of parts) {
    const lost = links.get(part)?.addresses.find((address) => !addresses.includes(address));
    if (lost === undefined) continue;
    return `${part} carries address ${lost}, which ${name} would not have: that could cut this host off`;
  }
  return undefined;
}

function routeProblem(
  { name, gateway, parts }: InterfaceDemand,
  { routes, links }: InterfaceQuestion,
): string | undefined {
  const noted = parts.some((part) => {
    const link = links.get(part);
    return link !== undefined && notesOf("via", link).length > 0;
  });
  for (const route of routes) {
    if (route.isOurs) continue;
    const way = `the default route goes by ${route.device} via ${route.gateway}`;
    if (parts.includes(route.device) && gateway === undefined && !noted) {
      return `${way}: give ${name} a gateway`;
    }
    if (gateway === undefined || parts.includes(route.device)) continue;
    const isSameFamily = route.gateway.includes(":") === gateway.includes(":");
    if (!isSameFamily || (route.device === name && route.gateway === gateway)) continue;
    return `${way}, which muster did not set: a second one would not be used`;
  }
  return undefined;
}

function mtuProblem(
  { name, base, mtu }: InterfaceDemand,
  { links, devices }: InterfaceQuestion,
): string | undefined {
  if (mtu === undefined) return undefined;
  const max = links.get(base)?.mtuMax;
  if (max !== undefined && mtu > max) {
    return `MTU ${String(mtu)} is above ${String(max)}, the most that ${base} can do`;
  }
  const uplink = [...devices.uplinks.values()].find(({ device }) => device === base);
  if (uplink === undefined || uplink.mtu >= mtu) return undefined;
  return `MTU ${String(mtu)} of ${name} is above the ${String(uplink.mtu)} of uplink ${uplink.label}`;
}

/** A bond that would take the addresses of its members, for an interface that cannot be made, is not made either. */
export function withSafeBonds(
  devices: DeviceDemand,
  interfaces: readonly InterfaceDemand[],
  links: HostDevices["links"],
): DeviceDemand {
  const bonds = new Map(devices.bonds);
  const bondProblems = new Map(devices.bondProblems);
  for (const { name, base, parts, problem } of interfaces) {
    const carries = parts.some((part) => (links.get(part)?.addresses.length ?? 0) > 0);
    if (problem === "" || !carries || !bonds.delete(base)) continue;
    bondProblems.set(base, `interface ${name} on it cannot be made: ${problem}`);
  }
  return { ...devices, bonds, bondProblems };
}
