import type { Load } from "./want.ts";

/** What rehearsals may know of the hosts' accounts. Dimensions are memory, CPUs, number of VMs, and page sizes. */
export interface HostRoom {
  readonly hostCount: number;
  readonly dimensionCount: number;
  free(host: number, dimension: number): number;
  need(load: Load, dimension: number): number;
  usedMemoryMiB(host: number): number;
  occupants(host: number): Iterable<Load>;
  /** By host index: where static facts would let the VM be restarted. */
  allowed(load: Load): Uint8Array;
}

/** What all rehearsals together keep free on each host. */
export class Reserves {
  readonly #room: HostRoom;
  readonly #byHost: readonly Map<Rehearsal, Float64Array>[];
  /** By host, then dimension: the largest reserve of any one rehearsal; failures come one at a time. */
  readonly #largest: Float64Array;

  constructor(room: HostRoom) {
    this.#room = room;
    this.#byHost = Array.from({ length: room.hostCount }, () => new Map<Rehearsal, Float64Array>());
    this.#largest = new Float64Array(room.hostCount * room.dimensionCount);
  }

  of(rehearsal: Rehearsal, host: number, dimension: number): number {
    return this.#byHost[host]?.get(rehearsal)?.[dimension] ?? 0;
  }

  reservers(host: number): readonly Rehearsal[] {
    return [...(this.#byHost[host]?.keys() ?? [])];
  }

  /** Whether every rehearsal still holds if `load` (or nothing) is added on the host. */
  allHold(host: number, load: Load | undefined): boolean {
    const dimensions = this.#room.dimensionCount;
    for (let d = 0; d < dimensions; d++) {
      const reserve = this.#largest[host * dimensions + d] as number;
      const need = load === undefined ? 0 : this.#room.need(load, d);
      if (reserve > 0 && reserve + need > this.#room.free(host, d)) return false;
    }
    return true;
  }

  change(rehearsal: Rehearsal, load: Load, at: { host: number; sign: 1 | -1 }): void {
    const entries = this.#byHost[at.host];
    if (entries === undefined) return;
    const dimensions = this.#room.dimensionCount;
    const entry = entries.get(rehearsal) ?? new Float64Array(dimensions);
    entries.set(rehearsal, entry);
    for (let d = 0; d < dimensions; d++) {
      entry[d] = (entry[d] as number) + at.sign * this.#room.need(load, d);
    }
    // The third dimension counts VMs.
    if (entry[2] === 0) entries.delete(rehearsal);
    for (let d = 0; d < dimensions; d++) {
      const index = at.host * dimensions + d;
      if (at.sign === 1) {
        this.#largest[index] = Math.max(this.#largest[index] as number, entry[d] as number);
        continue;
      }
      let largest = 0;
      for (const other of entries.values()) largest = Math.max(largest, other[d] as number);
      this.#largest[index] = largest;
    }
  }
}

/** A VM more than there is, or room less than there is: the "what if" of one question. */
interface Supposition {
  readonly alsoLost?: Load;
  readonly taken?: { readonly load: Load; readonly host: number };
}

/** Where each VM would go if certain hosts were lost together. */
export class Rehearsal {
  readonly name: string;
  readonly lostHosts: readonly number[];
  /** A VM that has nowhere to go; undefined while the failure can be survived. */
  stranded: Load | undefined;
  readonly #lost: ReadonlySet<number>;
  readonly #room: HostRoom;
  readonly #reserves: Reserves;
  readonly #hostOf = new Map<Load, number>();

  constructor(
    room: HostRoom,
    reserves: Reserves,
    what: { readonly name: string; readonly lostHosts: readonly number[] },
  ) {
    this.#room = room;
    this.#reserves = reserves;
    this.name = what.name;
    this.lostHosts = what.lostHosts;
    this.#lost = new Set(what.lostHosts);
  }

  /** Works everything out afresh, largest VM first. */
  workOut(): void {
    for (const [load, host] of this.#hostOf) this.#reserves.change(this, load, { host, sign: -1 });
    this.#hostOf.clear();
    const found = this.#rehearse({});
    this.stranded = found.stranded;
    // One that does not hold reserves nothing: it would only keep others from using the room.
    if (found.stranded !== undefined) return;
    for (const [load, host] of found.hostOf) this.#reserve(load, host);
  }

  /** A VM was put on one of the hosts. */
  add(load: Load): void {
    if (this.stranded !== undefined) return;
    const host = this.#roomiest(load, (at, d) => this.#freeBesideOwn(at, d));
    if (host >= 0) this.#reserve(load, host);
    else if (this.#canEverMove(load)) this.workOut();
  }

  /** A VM left one of the hosts. */
  remove(load: Load): void {
    const host = this.#hostOf.get(load);
    if (host === undefined) return;
    this.#hostOf.delete(load);
    this.#reserves.change(this, load, { host, sign: -1 });
  }

  stillHolds(host: number): boolean {
    for (let d = 0; d < this.#room.dimensionCount; d++) {
      const reserve = this.#reserves.of(this, host, d);
      if (reserve > 0 && reserve > this.#room.free(host, d)) return false;
    }
    return true;
  }

  /** The VM that would be stranded if one more were on the lost hosts. */
  strandedWithOneMore(load: Load): Load | undefined {
    if (this.stranded !== undefined) return this.stranded;
    if (!this.#canEverMove(load)) return undefined;
    if (this.#roomiest(load, (at, d) => this.#freeBesideOwn(at, d)) >= 0) return undefined;
    return this.#rehearse({ alsoLost: load }).stranded;
  }

  /** The VM that would be stranded if another took room on a host that is not lost. */
  strandedWithout(load: Load, host: number): Load | undefined {
    if (this.stranded !== undefined) return undefined;
    let holds = true;
    for (let d = 0; d < this.#room.dimensionCount && holds; d++) {
      const reserve = this.#reserves.of(this, host, d);
      holds = reserve === 0 || reserve + this.#room.need(load, d) <= this.#room.free(host, d);
    }
    return holds ? undefined : this.#rehearse({ taken: { load, host } }).stranded;
  }

  #reserve(load: Load, host: number): void {
    this.#hostOf.set(load, host);
    this.#reserves.change(this, load, { host, sign: 1 });
  }

  #freeBesideOwn(host: number, dimension: number): number {
    return this.#room.free(host, dimension) - this.#reserves.of(this, host, dimension);
  }

  #rehearse(suppose: Supposition): { hostOf: Map<Load, number>; stranded: Load | undefined } {
    const loads = this.lostHosts.flatMap((host) => [...this.#room.occupants(host)]);
    if (suppose.alsoLost !== undefined) loads.push(suppose.alsoLost);
    loads.sort(largestFirst);
    const dimensions = this.#room.dimensionCount;
    const taken = new Map<number, Float64Array>();
    const take = (load: Load, host: number) => {
      const sums = taken.get(host) ?? new Float64Array(dimensions);
      for (let d = 0; d < dimensions; d++) sums[d] = (sums[d] as number) + this.#room.need(load, d);
      taken.set(host, sums);
    };
    if (suppose.taken !== undefined) take(suppose.taken.load, suppose.taken.host);
    const hostOf = new Map<Load, number>();
    const free = (host: number, d: number) =>
      this.#room.free(host, d) - (taken.get(host)?.[d] ?? 0);
    for (const load of loads) {
      const host = this.#roomiest(load, free);
      if (host >= 0) {
        take(load, host);
        hostOf.set(load, host);
      } else if (this.#canEverMove(load)) {
        return { hostOf, stranded: load };
      }
    }
    return { hostOf, stranded: undefined };
  }

  /** The host with most free memory of those that could take the VM, or -1: reserves spread thin are seldom in the way. */
  #roomiest(load: Load, free: (host: number, dimension: number) => number): number {
    const allowed = this.#room.allowed(load);
    const dimensions = this.#room.dimensionCount;
    let best = -1;
    let bestMiB = -1;
    for (let host = 0; host < allowed.length; host++) {
      if (allowed[host] === 0 || this.#lost.has(host)) continue;
      const memoryMiB = free(host, 0);
      if (memoryMiB <= bestMiB) continue;
      let fits = true;
      for (let d = 0; d < dimensions && fits; d++) {
        const need = this.#room.need(load, d);
        fits = need === 0 || need <= (d === 0 ? memoryMiB : free(host, d));
      }
      if (!fits) continue;
      best = host;
      bestMiB = memoryMiB;
    }
    return best;
  }

  /** A VM tied to the lost hosts has accepted to be down with them. */
  #canEverMove(load: Load): boolean {
    const allowed = this.#room.allowed(load);
    for (let host = 0; host < allowed.length; host++) {
      if (allowed[host] === 1 && !this.#lost.has(host)) return true;
    }
    return false;
  }
}

function largestFirst(a: Load, b: Load): number {
  const memory = b.memoryMiB + b.hugeMiB - (a.memoryMiB + a.hugeMiB);
  return memory || b.cpus - a.cpus || (a.vmId < b.vmId ? -1 : a.vmId > b.vmId ? 1 : 0);
}
