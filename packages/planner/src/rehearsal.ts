import type { HostRoom, Reserves } from "./reserves.ts";
import type { Load } from "./want.ts";

/** A VM more than there is, or room less than there is: the "what if" of one question. */
interface Supposition {
  readonly alsoLost?: Load;
  readonly taken?: { readonly load: Load; readonly host: number };
}

interface Outcome {
  readonly hostOf: ReadonlyMap<Load, number>;
  readonly stranded: Load | undefined;
}

/** How a rehearsal would still hold with one VM more. */
interface Answer {
  readonly load: Load;
  /** Where the VM would go if it were hit, or -1. */
  readonly to: number;
  /** The host, not lost, where it would take room, or -1. */
  readonly host: number;
  /** New hosts for VMs that would have to make way there. */
  readonly changes: readonly (readonly [Load, number])[];
}

/** A host for the VM beside what is spoken for on each, or -1. */
type Choose = (load: Load, spokenFor: (host: number, dimension: number) => number) => number;

/** Where each VM would go if certain hosts were lost together. */
export class Rehearsal {
  readonly name: string;
  readonly lostHosts: readonly number[];
  /** A VM that has nowhere to go; undefined while the failure can be survived. */
  stranded: Load | undefined;
  /** The latest yes: most often what was asked about is done next, and need not be worked out again. */
  #answer: Answer | undefined;
  readonly #lost: ReadonlySet<number>;
  readonly #room: HostRoom;
  readonly #reserves: Reserves;
  readonly #hostOf = new Map<Load, number>();
  /** By host index, then dimension: what its VMs would need there; {@link Reserves} writes it. */
  readonly reserved = new Map<number, Float64Array>();

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

  /** Does what was found when the question was asked; false when that is not true any more. */
  #followAnswer(answer: Answer | undefined): boolean {
    if (answer === undefined) return false;
    for (const [load] of answer.changes) this.remove(load);
    for (const [load, to] of answer.changes) this.#reserve(load, to);
    return answer.changes.every(([, to]) => this.#holdsOn(to, undefined));
  }

  /** A VM was put on one of the hosts. */
  add(load: Load): void {
    if (this.stranded !== undefined) return;
    const answer = this.#answer;
    this.#answer = undefined;
    const foreseen = answer?.load.shape === load.shape ? answer.to : -1;
    const host =
      foreseen >= 0 && this.#fitsOn(load, foreseen) ? foreseen : this.#roomiestBesideReserves(load);
    if (host >= 0) this.#reserve(load, host);
    else if (this.#canEverMove(load)) this.workOut();
  }

  /** A VM left one of the hosts. */
  remove(load: Load): void {
    const host = this.#hostOf.get(load);
    if (host === undefined) return;
    this.#answer = undefined;
    this.#hostOf.delete(load);
    this.#reserves.change(this, load, { host, sign: -1 });
  }

  /** Makes the rehearsal hold again after something else took room on a host. */
  mend(host: number): void {
    const answer = this.#answer;
    this.#answer = undefined;
    if (this.#holdsOn(host, undefined)) return;
    const isForeseen = answer?.host === host && this.#followAnswer(answer);
    if (isForeseen && this.#holdsOn(host, undefined)) return;
    const changes = this.#wayAround(host, undefined);
    if (changes === undefined) {
      this.workOut();
      return;
    }
    for (const [load, to] of changes) {
      this.remove(load);
      this.#reserve(load, to);
    }
  }

  /** The VM that would be stranded if one more were on the lost hosts. */
  strandedWithOneMore(load: Load): Load | undefined {
    if (this.stranded !== undefined) return this.stranded;
    if (!this.#canEverMove(load)) return undefined;
    const to = this.#roomiestBesideReserves(load);
    if (to >= 0) {
      this.#answer = { load, to, host: -1, changes: [] };
      return undefined;
    }
    return this.#rehearse({ alsoLost: load }).stranded;
  }

  /** The VM that would be stranded if another took room on a host that is not lost. */
  strandedWithout(load: Load, host: number): Load | undefined {
    if (this.stranded !== undefined || this.#holdsOn(host, load)) return undefined;
    let changes = this.#wayAround(host, load);
    if (changes === undefined) {
      const { hostOf, stranded } = this.#rehearse({ taken: { load, host } });
      if (stranded !== undefined) return stranded;
      changes = [...hostOf];
    }
    this.#answer = { load, to: -1, host, changes };
    return undefined;
  }

  /** Whether what is reserved on the host is still there if `load` (or nothing) were added. */
  #holdsOn(host: number, load: Load | undefined): boolean {
    for (let d = 0; d < this.#room.dimensionCount; d++) {
      const reserve = this.#reserves.of(this, host, d);
      const need = load === undefined ? 0 : this.#room.need(load, d);
      if (reserve > 0 && reserve + need > this.#room.free(host, d)) return false;
    }
    return true;
  }

  /** Other hosts for the VMs that would no longer find room on this one; undefined when that is not so easy. */
  #wayAround(
    host: number,
    load: Load | undefined,
  ): readonly (readonly [Load, number])[] | undefined {
    const { dimensionCount: dimensions, scratch: moved } = this.#room;
    const reserved = this.#reserves.viewOf(this);
    const here: Load[] = [];
    for (const [vm, at] of this.#hostOf) if (at === host) here.push(vm);
    here.sort(largestFirst);
    const isShort = () => {
      for (let d = 0; d < dimensions; d++) {
        const at = host * dimensions + d;
        const reserve = (reserved[at] as number) + (moved[at] as number);
        const need = load === undefined ? 0 : this.#room.need(load, d);
        if (reserve > 0 && reserve + need > this.#room.free(host, d)) return true;
      }
      return false;
    };
    const changes: [Load, number][] = [];
    const note = (vm: Load, at: number, sign: 1 | -1) => {
      for (let d = 0; d < dimensions; d++) {
        const index = at * dimensions + d;
        moved[index] = (moved[index] as number) + sign * this.#room.need(vm, d);
      }
    };
    for (const vm of here) {
      if (!isShort()) break;
      const to = this.#roomiest(vm, (at, d) =>
        at === host
          ? Infinity
          : (reserved[at * dimensions + d] as number) + (moved[at * dimensions + d] as number),
      );
      if (to < 0) continue;
      changes.push([vm, to]);
      note(vm, host, -1);
      note(vm, to, 1);
    }
    const isEnough = !isShort();
    for (const at of [host, ...changes.map(([, to]) => to)]) {
      moved.fill(0, at * dimensions, (at + 1) * dimensions);
    }
    return isEnough ? changes : undefined;
  }

  #roomiestBesideReserves(load: Load): number {
    const reserved = this.#reserves.viewOf(this);
    const dimensions = this.#room.dimensionCount;
    return this.#roomiest(load, (at, d) => reserved[at * dimensions + d] as number);
  }

  /** Whether the host could take the VM beside what is reserved. */
  #fitsOn(load: Load, host: number): boolean {
    for (let d = 0; d < this.#room.dimensionCount; d++) {
      const need = this.#room.need(load, d);
      const free = this.#room.free(host, d) - this.#reserves.of(this, host, d);
      if (need > 0 && need > free) return false;
    }
    return true;
  }

  #reserve(load: Load, host: number): void {
    this.#hostOf.set(load, host);
    this.#reserves.change(this, load, { host, sign: 1 });
  }

  /** The roomiest host for each fails sometimes where the tightest would do: both are tried. */
  #rehearse(suppose: Supposition): Outcome {
    const roomy = this.#rehearseWith(suppose, (load, spokenFor) => this.#roomiest(load, spokenFor));
    if (roomy.stranded === undefined) return roomy;
    const tight = this.#rehearseWith(suppose, (load, spokenFor) => this.#tightest(load, spokenFor));
    return tight.stranded === undefined ? tight : roomy;
  }

  #rehearseWith(suppose: Supposition, choose: Choose): Outcome {
    const loads = this.lostHosts.flatMap((host) => [...this.#room.occupants(host)]);
    if (suppose.alsoLost !== undefined) loads.push(suppose.alsoLost);
    loads.sort(largestFirst);
    const { dimensionCount: dimensions, scratch: taken } = this.#room;
    const touched: number[] = [];
    const take = (load: Load, host: number) => {
      touched.push(host);
      for (let d = 0; d < dimensions; d++) {
        const at = host * dimensions + d;
        taken[at] = (taken[at] as number) + this.#room.need(load, d);
      }
    };
    if (suppose.taken !== undefined) take(suppose.taken.load, suppose.taken.host);
    const hostOf = new Map<Load, number>();
    let stranded: Load | undefined;
    for (const load of loads) {
      const host = choose(load, (at, d) => taken[at * dimensions + d] as number);
      if (host >= 0) {
        take(load, host);
        hostOf.set(load, host);
      } else if (this.#canEverMove(load)) {
        stranded = load;
        break;
      }
    }
    for (const host of touched) taken.fill(0, host * dimensions, (host + 1) * dimensions);
    return { hostOf, stranded };
  }

  /**
   * The host with most free memory of those that could take the VM, or -1: reserves spread thin are seldom
   * in the way.
   * @param spokenFor what must be left alone on a host, in a dimension.
   */
  #roomiest(load: Load, spokenFor: (host: number, dimension: number) => number): number {
    const room = this.#room;
    const { allowed } = room.allowed(load);
    const order = room.roomiestFirst();
    const dimensions = room.dimensionCount;
    const needMiB = room.need(load, 0);
    let best = -1;
    let bestMiB = -Infinity;
    for (let i = 0; i < order.length; i++) {
      const host = order[i] as number;
      // No host from here on has more free at all than the best so far has left.
      const freeMiB = room.free(host, 0);
      if (freeMiB <= bestMiB || freeMiB < needMiB) break;
      if (allowed[host] === 0) continue;
      const memoryMiB = freeMiB - spokenFor(host, 0);
      if (memoryMiB <= bestMiB || memoryMiB < needMiB || this.#lost.has(host)) continue;
      let fits = true;
      for (let d = 1; d < dimensions && fits; d++) {
        const need = room.need(load, d);
        fits = need === 0 || need <= room.free(host, d) - spokenFor(host, d);
      }
      if (!fits) continue;
      best = host;
      bestMiB = memoryMiB;
    }
    return best;
  }

  /** The host with least free memory of those that could take the VM, or -1. */
  #tightest(load: Load, spokenFor: (host: number, dimension: number) => number): number {
    const room = this.#room;
    let best = -1;
    let bestMiB = Infinity;
    for (const host of room.allowed(load).hosts) {
      const memoryMiB = room.free(host, 0) - spokenFor(host, 0);
      if (memoryMiB >= bestMiB || this.#lost.has(host)) continue;
      let fits = true;
      for (let d = 0; d < room.dimensionCount && fits; d++) {
        const need = room.need(load, d);
        fits = need === 0 || need <= room.free(host, d) - spokenFor(host, d);
      }
      if (fits) [best, bestMiB] = [host, memoryMiB];
    }
    return best;
  }

  /** A VM tied to the lost hosts has accepted to be down with them. */
  #canEverMove(load: Load): boolean {
    return this.#room.allowed(load).hosts.some((host) => !this.#lost.has(host));
  }
}

function largestFirst(a: Load, b: Load): number {
  const memory = b.memoryMiB + b.hugeMiB - (a.memoryMiB + a.hugeMiB);
  return memory || b.cpus - a.cpus || (a.vmId < b.vmId ? -1 : a.vmId > b.vmId ? 1 : 0);
}
