/**
 * Where the members of a virtual cluster go, all of them or none. Computes go to the host with the most free CPUs
 * first: with a total of CPUs one to a host, as large as the host allows, and CPUs of hosts are not promised twice;
 * with a number of them on different hosts as long as there are. Pure.
 */
import { invalid, MusterError, type HostId, type HostRecord } from "@muster/model";
import {
  openPlanner,
  renderRefusal,
  renderRefusals,
  type Planner,
  type PlaceRequest,
  type Snapshot,
} from "@muster/planner";

export type ComputeWish =
  | { readonly kind: "none" }
  /** CPUs of all computes together. */
  | { readonly kind: "cpus"; readonly total: number }
  | { readonly kind: "count"; readonly count: number; readonly cpusEach: number };

/** What of the cluster's private network the planner cannot know yet: it is not on any host. */
export type Shape = PlaceRequest["vm"];

export interface MembersAsked {
  readonly cluster: string;
  /** Absent: the cluster has one already. */
  readonly frontend?: Shape;
  readonly computes: ComputeWish;
  /** Of the compute with this number among the new ones. */
  readonly computeShape: (index: number, cpus: number) => Shape;
  /** More are refused. */
  readonly computesMax: number;
  /** Where the private network can be. */
  readonly hosts: readonly HostRecord[];
  readonly cpusReserved: number;
  /** Hosts that have computes of this cluster already: the others come first. */
  readonly usedHosts: ReadonlySet<HostId>;
}

export interface PlacedMember {
  readonly hostId: HostId;
  readonly cpus: number;
}

export interface PlacedMembers {
  readonly frontend?: PlacedMember;
  readonly computes: readonly PlacedMember[];
  /** For people, a line each. */
  readonly explanation: readonly string[];
}

/** Reasons kept in a refusal: a thousand hosts say much the same. */
const REASONS_MAX = 50;

export function placeMembers(snapshot: Snapshot, asked: MembersAsked): PlacedMembers {
  const planner = openPlanner(snapshot);
  const lines: string[] = [];
  const frontend = asked.frontend === undefined ? undefined : placeFrontend(planner, asked, lines);
  const computes = placeComputes(new Room(planner, snapshot, asked), asked, lines);
  return { ...(frontend === undefined ? {} : { frontend }), computes, explanation: lines };
}

function placeFrontend(planner: Planner, asked: MembersAsked, lines: string[]): PlacedMember {
  const shape = { ...(asked.frontend as Shape), pinnedTo: asked.hosts.map(({ id }) => id) };
  const answer = planner.placeAndClaim({ vm: shape });
  if (!answer.ok) {
    const reasons = renderRefusals(answer, { all: true });
    throw noRoom(`the frontend of ${asked.cluster}`, answer.examined, reasons);
  }
  const host = asked.hosts.find(({ id }) => id === answer.hostId);
  lines.push(`frontend ${shape.name}: ${host?.name ?? answer.hostId}, ${cpusText(shape.cpus)}`);
  return { hostId: answer.hostId as HostId, cpus: shape.cpus };
}

function noRoom(what: string, hostCount: number, reasons: readonly string[]): MusterError {
  return new MusterError("no-placement", `none of ${String(hostCount)} hosts can take ${what}`, {
    reasons: reasons.slice(0, REASONS_MAX),
    hint: "free or add capacity, ask for less, or give clusters more hosts: muster cluster settings",
  });
}

function placeComputes(room: Room, asked: MembersAsked, lines: string[]): readonly PlacedMember[] {
  const placed: PlacedMember[] = [];
  const place = (found: FreeHost, cpus: number): void => {
    const shape = asked.computeShape(placed.length, cpus);
    room.take(found, shape);
    placed.push({ hostId: found.host.id, cpus });
    const free = `${String(found.freeCpus)} of ${String(found.allCpus)} free`;
    lines.push(`compute ${shape.name}: ${found.host.name}, ${cpusText(cpus)} (${free} there)`);
  };
  if (asked.computes.kind === "none") return [];
  if (asked.computes.kind === "cpus") {
    let missing = asked.computes.total;
    while (missing > 0) {
      const shape = (cpus: number): Shape => asked.computeShape(placed.length, cpus);
      const found = room.largestUnused((free) => shape(Math.min(free, missing)));
      if (found === undefined) throw notEnoughCpus(room, asked, asked.computes.total - missing);
      refuseTooMany(asked, placed.length + 1);
      const cpus = Math.min(found.freeCpus, missing);
      place(found, cpus);
      missing -= cpus;
    }
    return placed;
  }
  const { count, cpusEach } = asked.computes;
  refuseTooMany(asked, count);
  while (placed.length < count) {
    const shape = asked.computeShape(placed.length, cpusEach);
    const found = room.best(shape);
    if (found === undefined) {
      const what = `compute ${shape.name}, number ${String(placed.length + 1)} of ${String(count)}`;
      throw noRoom(what, asked.hosts.length, room.refusalLines(shape));
    }
    place(found, cpusEach);
  }
  return placed;
}

function refuseTooMany({ computesMax, cluster }: MembersAsked, count: number): void {
  if (count <= computesMax) return;
  throw invalid(
    "computes",
    `${cluster} would need ${String(count)} computes, at most ${String(computesMax)} fit beside those it has`,
    "ask for less, or boot a second cluster",
  );
}

function notEnoughCpus(room: Room, asked: MembersAsked, found: number): MusterError {
  const total = asked.computes.kind === "cpus" ? asked.computes.total : 0;
  return new MusterError(
    "no-placement",
    `there is not enough capacity for ${String(total)} CPUs: ${String(found)} are free for ${asked.cluster}`,
    {
      reasons: room.lines((cpus) => asked.computeShape(0, cpus)).slice(0, REASONS_MAX),
      hint: "ask for fewer CPUs, free or add hosts, or ask for computes of equal size: --nodes",
    },
  );
}

interface FreeHost {
  readonly host: HostRecord;
  readonly freeCpus: number;
  readonly allCpus: number;
}

/** What hosts have left, as members take it. */
class Room {
  readonly #planner: Planner;
  readonly #asked: MembersAsked;
  readonly #reserved: ReadonlyMap<string, number>;
  readonly #used: Set<HostId>;
  /** Of this decision: with a total of CPUs, one to a host. */
  readonly #taken = new Set<HostId>();

  constructor(planner: Planner, snapshot: Snapshot, asked: MembersAsked) {
    this.#planner = planner;
    this.#asked = asked;
    this.#reserved = new Map(
      snapshot.hosts.map(({ id, capacity }) => [
        id,
        Math.max(asked.cpusReserved, capacity.cpusReserved ?? 0),
      ]),
    );
    this.#used = new Set(asked.usedHosts);
  }

  /** The most free first; by name where that is the same. */
  #hosts(): readonly FreeHost[] {
    const { usage } = this.#planner;
    return this.#asked.hosts
      .flatMap((host): FreeHost[] => {
        const index = usage.hostIndexById.get(host.id);
        if (index === undefined) return [];
        const allCpus = usage.cpuPhysical[index] ?? 0;
        const usedCpus = usage.cpuUsed[index] ?? 0;
        return [{ host, allCpus, freeCpus: allCpus - this.#reservedOn(host) - usedCpus }];
      })
      .toSorted(
        (one, other) =>
          other.freeCpus - one.freeCpus || one.host.name.localeCompare(other.host.name, "en"),
      );
  }

  #reservedOn = (host: HostRecord): number => this.#reserved.get(host.id) ?? 0;

  largestUnused(shapeFor: (freeCpus: number) => Shape): FreeHost | undefined {
    const open = this.#hosts().filter(
      ({ host, freeCpus }) => freeCpus > 0 && !this.#taken.has(host.id),
    );
    const fits = ({ host, freeCpus }: FreeHost): boolean =>
      this.#planner.fits({ vm: shapeFor(freeCpus) }, host.id);
    return this.#unusedFirst(open, fits);
  }

  /** Free CPUs may be promised more than once, as the hosts' policy has it; those that are reserved are not. */
  best(shape: Shape): FreeHost | undefined {
    const vm = { vm: shape };
    const fits = (free: FreeHost): boolean =>
      this.#keepsReserve(free, shape) && this.#planner.fits(vm, free.host.id);
    return this.#unusedFirst(this.#hosts(), fits);
  }

  #unusedFirst(
    hosts: readonly FreeHost[],
    fits: (free: FreeHost) => boolean,
  ): FreeHost | undefined {
    const isUnused = ({ host }: FreeHost): boolean => !this.#used.has(host.id);
    return hosts.find((free) => isUnused(free) && fits(free)) ?? hosts.find(fits);
  }

  #keepsReserve({ host, allCpus }: FreeHost, { cpus }: Shape): boolean {
    const { usage } = this.#planner;
    const index = usage.hostIndexById.get(host.id) ?? -1;
    const overcommit = usage.hosts[index]?.capacity.cpuOvercommit ?? 1;
    const most = Math.max(0, allCpus - this.#reservedOn(host)) * overcommit;
    return (usage.cpuUsed[index] ?? 0) + cpus <= most;
  }

  take({ host }: FreeHost, shape: Shape): void {
    this.#planner.claim({ vm: shape }, host.id);
    this.#used.add(host.id);
    this.#taken.add(host.id);
  }

  refusalLines(shape: Shape): readonly string[] {
    return this.#hosts().map((free) => {
      const why = this.#planner.whyNot({ vm: shape }, free.host.id).map(renderRefusal);
      if (why.length === 0 && !this.#keepsReserve(free, shape)) {
        why.push(
          `${cpusText(this.#reservedOn(free.host))} of ${String(free.allCpus)} are reserved`,
        );
      }
      return `${free.host.name}: ${why.join("; ")}`;
    });
  }

  /** Each host with its numbers, and what else keeps computes away. */
  lines(shapeFor: (freeCpus: number) => Shape): readonly string[] {
    return this.#hosts().map(({ host, allCpus, freeCpus }) => {
      const reserved = this.#reservedOn(host);
      const usedCpus = allCpus - reserved - freeCpus;
      const numbers = `${host.name}: ${cpusText(allCpus)}, ${String(reserved)} reserved, ${String(usedCpus)} used`;
      if (this.#taken.has(host.id)) return `${numbers}: takes one compute already`;
      if (freeCpus <= 0) return `${numbers}: none free`;
      const why = this.#planner.whyNot({ vm: shapeFor(freeCpus) }, host.id).map(renderRefusal);
      return `${numbers}: ${String(freeCpus)} free, but ${why.join("; ")}`;
    });
  }
}

const cpusText = (count: number): string => `${String(count)} CPU${count === 1 ? "" : "s"}`;
