/**
 * What a layout asks of a host's devices, now that it is known which NICs are there: bonds with their members, MTUs, and
 * the device of each uplink or why there is none. Pure.
 */
import {
  MTU_DEFAULT_BYTES,
  type BondSpec,
  type NetworkSpec,
  type NicMatch,
  type UplinkAssignment,
} from "@muster/model";
import type { HostLayout } from "../host-layout.ts";
import type { KernelLink } from "../links/kernel-links.ts";
import { isOurBond } from "./device-marks.ts";
import { describeMatch, findNics, type HostDevices } from "./find-nics.ts";

import { vxlanOf, type VxlanDemand } from "./vxlan-demand.ts";

export interface BondDemand {
  readonly spec: BondSpec;
  /** At least one. */
  readonly members: readonly string[];
  /** Bytes. */
  readonly mtu: number;
  /** "uplink lan", "bond bond0". */
  readonly owner: string;
}

export interface UplinkDemand {
  readonly label: string;
  /** Empty: there is none, and the problem says why. */
  readonly device: string;
  readonly members: readonly string[];
  readonly mtu: number;
  /** May also be said of an uplink that works, but not with all of its NICs. */
  readonly problem: string;
}

export interface DeviceDemand {
  /** By name. */
  readonly bonds: ReadonlyMap<string, BondDemand>;
  /** Bytes by NIC, with its owner; not of members of bonds. */
  readonly mtus: ReadonlyMap<string, { readonly mtu: number; readonly owner: string }>;
  /** By label. */
  readonly uplinks: ReadonlyMap<string, UplinkDemand>;
  /** By device. */
  readonly vxlans: ReadonlyMap<string, VxlanDemand>;
  /** Why a VXLAN cannot be made, by network. */
  readonly vxlanProblems: ReadonlyMap<string, string>;
  /** Of the host's own bonds, by name. */
  readonly bondProblems: ReadonlyMap<string, string>;
}

export interface DeviceQuestion extends HostDevices {
  readonly layout: HostLayout;
  readonly networks: readonly NetworkSpec[];
  /** The agent's own configuration has taken it. */
  readonly configuredUplink: string | undefined;
  /** Bridges of ours: their ports may be taken elsewhere. */
  readonly ownBridges: ReadonlySet<string>;
  /** The bridge that a device is a port of; Open vSwitch's are not in the kernel's list. */
  readonly bridgeOf: ReadonlyMap<string, string>;
}

type Chosen =
  | { readonly ok: true; readonly devices: readonly string[]; readonly missing: string }
  | { readonly ok: false; readonly problem: string };

/** Works through a layout in order: who comes first has the NIC. */
class Resolution {
  readonly #question: DeviceQuestion;
  readonly #takenBy = new Map<string, string>();
  readonly bonds = new Map<string, BondDemand>();
  readonly mtus = new Map<string, { mtu: number; owner: string }>();
  readonly uplinks = new Map<string, UplinkDemand>();
  readonly bondProblems = new Map<string, string>();

  constructor(question: DeviceQuestion) {
    this.#question = question;
  }

  addHostBonds(): void {
    for (const { members, ...spec } of this.#question.layout.bonds) {
      const owner = `bond ${spec.name}`;
      const chosen = this.#chooseMembers(members, spec, owner);
      const problem = chosen.ok ? chosen.missing : chosen.problem;
      if (problem !== "") this.bondProblems.set(spec.name, problem);
      if (!chosen.ok) continue;
      const mtu = this.#mtuOfInterfacesOn(spec.name);
      this.#addBond({
        spec,
        members: chosen.devices,
        owner,
        mtu,
      });
    }
  }

  addUplinks(): void {
    for (const uplink of this.#question.layout.uplinks) {
      const { label, mtu, bond } = uplink;
      const owner = `uplink ${label}`;
      const chosen =
        bond === undefined
          ? this.#chooseOne(uplink, owner)
          : this.#chooseMembers(uplink.members, bond, owner);
      if (!chosen.ok) {
        const { problem } = chosen;
        this.uplinks.set(label, { label, device: "", members: [], mtu, problem });
        continue;
      }
      const [first = ""] = chosen.devices;
      const device = bond?.name ?? first;
      const members = bond === undefined ? [] : chosen.devices;
      if (bond !== undefined) this.#addBond({ spec: bond, members, mtu, owner });
      else {
        this.#takenBy.set(device, owner);
        this.#addMtu(device, mtu, owner);
      }
      this.uplinks.set(label, { label, device, members, mtu, problem: chosen.missing });
    }
  }

  /** A host's own bond has the MTU of the uplink that rides on it, if that is larger. */
  #addMtu(device: string, mtu: number, owner: string): void {
    const bond = this.bonds.get(device);
    if (bond === undefined) this.mtus.set(device, { mtu, owner });
    else this.bonds.set(device, { ...bond, mtu: Math.max(mtu, bond.mtu) });
  }

  #addBond(bond: BondDemand): void {
    this.bonds.set(bond.spec.name, bond);
    this.#takenBy.set(bond.spec.name, bond.owner);
    // The host's own bond may carry an uplink; a bond that was made for one may not carry another.
    if (!bond.owner.startsWith("uplink ")) this.#takenBy.delete(bond.spec.name);
    for (const member of bond.members) this.#takenBy.set(member, bond.owner);
  }

  #mtuOfInterfacesOn(bond: string): number {
    const mtus = this.#question.layout.interfaces.flatMap(({ device, mtu }) =>
      device.kind === "bond" && device.bond === bond && mtu !== undefined ? [mtu] : [],
    );
    return mtus.length === 0 ? MTU_DEFAULT_BYTES : Math.max(...mtus);
  }

  /** Without a bond the first match that is there counts, and it must be one NIC. */
  #chooseOne({ members, mtu }: UplinkAssignment, owner: string): Chosen {
    for (const match of members) {
      const found = this.#find(match);
      const [device] = found;
      if (device === undefined) continue;
      if (found.length > 1) {
        const names = found.join(", ");
        const problem = `${describeMatch(match)} fits ${String(found.length)} NICs, ${names}: name one, or make a bond of them`;
        return { ok: false, problem };
      }
      const problem = this.#takenProblem(device, owner) ?? this.#mtuProblem(device, mtu);
      return problem === undefined
        ? { ok: true, devices: [device], missing: "" }
        : { ok: false, problem };
    }
    return { ok: false, problem: this.#absence(members) };
  }

  #find(match: NicMatch): readonly string[] {
    // A bond that is still to be made.
    if (match.by === "name" && this.bonds.has(match.name)) return [match.name];
    return findNics(match, this.#question);
  }

  /** All that are there, in the order they were named. */
  #chooseMembers(matches: readonly NicMatch[], bond: BondSpec, owner: string): Chosen {
    const taken = this.#nameProblem(bond.name, owner);
    if (taken !== undefined) return { ok: false, problem: taken };
    const devices = [...new Set(matches.flatMap((match) => findNics(match, this.#question)))];
    if (devices.length === 0) return { ok: false, problem: this.#absence(matches) };
    for (const device of devices) {
      const problem = this.#takenProblem(device, owner) ?? this.#memberProblem(device, bond.name);
      if (problem !== undefined) return { ok: false, problem };
    }
    const gone = matches.filter((match) => findNics(match, this.#question).length === 0);
    const missing =
      gone.length === 0
        ? ""
        : `${bond.name} works without ${gone.map(describeMatch).join(", ")}: not on this host`;
    return { ok: true, devices, missing };
  }

  #absence(matches: readonly NicMatch[]): string {
    const wanted = matches.map(describeMatch).join(", ");
    const there = [...this.#question.links.values()]
      .filter((link) => link.kind === "" && link.name !== "lo")
      .map(({ name }) => name);
    const known = there.length === 0 ? "it has none" : `it has ${there.toSorted().join(", ")}`;
    return `this host has no ${wanted}; ${known}`;
  }

  #nameProblem(bond: string, owner: string): string | undefined {
    const link = this.#question.links.get(bond);
    if (link !== undefined && !isOurBond(link)) {
      return `device ${bond} exists and was not made by muster; choose another name for the bond`;
    }
    const other = this.bonds.get(bond)?.owner;
    return other === undefined || other === owner
      ? undefined
      : `${bond} is already made for ${other}`;
  }

  #takenProblem(device: string, owner: string): string | undefined {
    const by = this.#takenBy.get(device);
    if (by === undefined || by === owner) return undefined;
    return `${device} is already used by ${by}`;
  }

  #mtuProblem(device: string, mtu: number): string | undefined {
    const max = this.#question.links.get(device)?.mtuMax;
    if (max === undefined || mtu <= max) return undefined;
    return `MTU ${String(mtu)} is above ${String(max)}, the most that ${device} can do`;
  }

  /** What the host's own interface on a bond has; it may take it over from a member. */
  #addressesOf(bond: string): readonly string[] {
    return this.#question.layout.interfaces.flatMap(({ device, vlan, addresses }) =>
      device.kind === "bond" && device.bond === bond && vlan === undefined ? addresses : [],
    );
  }

  #memberProblem(device: string, bond: string): string | undefined {
    const { links, configuredUplink, ownBridges, bridgeOf } = this.#question;
    if (device === configuredUplink) {
      return `${device} is the uplink in this agent's configuration and cannot be a member of ${bond}`;
    }
    const link = links.get(device);
    const address = link?.addresses.find((each) => !this.#addressesOf(bond).includes(each));
    if (address !== undefined) {
      return `${device} carries address ${address}: making it a member of ${bond} could cut this host off`;
    }
    const master = bridgeOf.get(device) ?? link?.master;
    if (master === undefined || master === bond || ownBridges.has(master)) return undefined;
    const owner = links.get(master);
    if (owner !== undefined && isOurBond(owner)) return undefined;
    return `${device} belongs to ${master} and cannot be a member of ${bond}`;
  }
}

export function demandOfDevices(question: DeviceQuestion): DeviceDemand {
  const resolution = new Resolution(question);
  resolution.addHostBonds();
  resolution.addUplinks();
  const { bonds, mtus, uplinks, bondProblems } = resolution;
  const vxlans = new Map<string, VxlanDemand>();
  const vxlanProblems = new Map<string, string>();
  for (const network of question.networks) {
    const vxlan = vxlanOf(network, { uplinks, links: question.links });
    if (typeof vxlan === "string") vxlanProblems.set(network.name, vxlan);
    else if (vxlan !== undefined) vxlans.set(vxlan.device, vxlan);
  }
  return { bonds, mtus, uplinks, bondProblems, vxlans, vxlanProblems };
}

/** The MTU that a device has in the end. */
export const mtuAfter = (demand: DeviceDemand, link: KernelLink): number =>
  demand.bonds.get(link.name)?.mtu ?? demand.mtus.get(link.name)?.mtu ?? link.mtu;
