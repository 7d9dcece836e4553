import type { RoadefInstance } from "./instance.ts";

const RANK_MAX = 8;

/** Pairs of related services are kept as one number. */
const pairKey = (one: number, other: number, count: number) => one * count + other;

/**
 * What the challenge asks of services: no two processes on one machine, spread over locations, dependencies
 * within a neighbourhood, and how many of their processes have moved.
 */
export class ServiceBook {
  readonly #instance: RoadefInstance;
  readonly #origin: Int32Array;
  /** By service, then machine: 1 where a process of the service is. */
  readonly #onMachine: Uint8Array;
  readonly #inLocation: Uint16Array;
  readonly #locations: number;
  readonly #distinctLocations: Int32Array;
  readonly #inNeighbourhood: Uint16Array;
  readonly #neighbourhoods: number;
  /** By service: services that need it. */
  readonly #dependents: readonly Int32Array[];
  readonly #related: ReadonlySet<number>;
  /** By service: its processes that are taken out. */
  readonly #out: Int32Array;
  /** By service: dependents in neighbourhoods where it is not, counted once for each of both. */
  readonly #missed: Int32Array;
  /** By service. */
  readonly #processesOf: readonly (readonly number[])[];
  readonly #moved: Int32Array;
  /** By number of moved processes: how many services have that many. */
  readonly #servicesWith: Int32Array;
  #mostMoved = 0;

  constructor(instance: RoadefInstance) {
    const { machineCount, processCount, serviceCount, dependsOn } = instance;
    this.#instance = instance;
    this.#origin = instance.initial;
    this.#onMachine = new Uint8Array(serviceCount * machineCount);
    this.#locations = instance.location.reduce((most, at) => Math.max(most, at), 0) + 1;
    this.#neighbourhoods = instance.neighbourhood.reduce((most, at) => Math.max(most, at), 0) + 1;
    this.#inLocation = new Uint16Array(serviceCount * this.#locations);
    this.#distinctLocations = new Int32Array(serviceCount);
    this.#inNeighbourhood = new Uint16Array(serviceCount * this.#neighbourhoods);
    const dependents: number[][] = Array.from({ length: serviceCount }, () => []);
    const related = new Set<number>();
    dependsOn.forEach((list, service) => {
      for (const needed of list) {
        dependents[needed]?.push(service);
        related.add(pairKey(service, needed, serviceCount));
        related.add(pairKey(needed, service, serviceCount));
      }
    });
    this.#dependents = dependents.map((list) => Int32Array.from(list));
    this.#related = related;
    this.#out = new Int32Array(serviceCount);
    this.#missed = new Int32Array(serviceCount);
    const processesOf: number[][] = Array.from({ length: serviceCount }, () => []);
    instance.serviceOf.forEach((service, process) => processesOf[service]?.push(process));
    this.#processesOf = processesOf;
    this.#moved = new Int32Array(serviceCount);
    this.#servicesWith = new Int32Array(processCount + 1);
    this.#servicesWith[0] = serviceCount;
    for (let p = 0; p < processCount; p++) this.#account(p, this.#origin[p] as number, 1);
  }

  /** Processes that moved of the service of which most have. */
  get mostMoved(): number {
    return this.#mostMoved;
  }

  isOn(service: number, machine: number): boolean {
    return this.#onMachine[service * this.#instance.machineCount + machine] !== 0;
  }

  /** Whether spread and dependencies still hold when one process goes from one machine to another. */
  allows(service: number, from: number, to: number): boolean {
    const { location, neighbourhood, spreadMin } = this.#instance;
    const needed = spreadMin[service] as number;
    if (needed > 1 && location[from] !== location[to]) {
      const base = service * this.#locations;
      let distinct = this.#distinctLocations[service] as number;
      if (this.#inLocation[base + (location[from] as number)] === 1) distinct--;
      if (this.#inLocation[base + (location[to] as number)] === 0) distinct++;
      if (distinct < needed) return false;
    }
    const old = neighbourhood[from] as number;
    const now = neighbourhood[to] as number;
    return old === now || this.#keepsDependencies(service, old, now);
  }

  #keepsDependencies(service: number, old: number, now: number): boolean {
    const count = this.#neighbourhoods;
    const needed = this.#instance.dependsOn[service] as Int32Array;
    for (let i = 0; i < needed.length; i++) {
      if (this.#inNeighbourhood[(needed[i] as number) * count + now] === 0) return false;
    }
    if (this.#inNeighbourhood[service * count + old] !== 1) return true;
    const dependents = this.#dependents[service] as Int32Array;
    for (let i = 0; i < dependents.length; i++) {
      if (this.#inNeighbourhood[(dependents[i] as number) * count + old] !== 0) return false;
    }
    return true;
  }

  /** Whether processes of two services may change places between machines. */
  allowsSwap(one: number, other: number, machines: { readonly a: number; readonly b: number }) {
    if (one === other) return true;
    const { a, b } = machines;
    if (this.isOn(one, b) || this.isOn(other, a)) return false;
    const { neighbourhood, serviceCount } = this.#instance;
    if (
      neighbourhood[a] !== neighbourhood[b] &&
      this.#related.has(pairKey(one, other, serviceCount))
    )
      return false;
    return this.allows(one, a, b) && this.allows(other, b, a);
  }

  /** {@link mostMoved} after one process, or two, have gone away from or back to their origin. */
  mostMovedAfter(service: number, change: number, other = -1, otherChange = 0): number {
    if (other === service) return this.#mostMovedWith(service, change + otherChange);
    if (change === 0) return other < 0 ? this.#mostMoved : this.#mostMovedWith(other, otherChange);
    if (otherChange === 0) return this.#mostMovedWith(service, change);
    const before = this.#mostMoved;
    this.#noteMoved(service, change);
    const after = this.#mostMovedWith(other, otherChange);
    this.#noteMoved(service, -change);
    this.#mostMoved = before;
    return after;
  }

  #mostMovedWith(service: number, change: number): number {
    const before = this.#moved[service] as number;
    if (change > 0) return Math.max(this.#mostMoved, before + change);
    if (change === 0 || before < this.#mostMoved || (this.#servicesWith[before] as number) > 1) {
      return this.#mostMoved;
    }
    let most = this.#mostMoved - 1;
    while (most > before + change && this.#servicesWith[most] === 0) most--;
    return most;
  }

  move(process: number, from: number, to: number): void {
    const service = this.#instance.serviceOf[process] as number;
    const origin = this.#origin[process];
    this.#noteMoved(service, Number(to !== origin) - Number(from !== origin));
    this.#account(process, from, -1);
    this.#account(process, to, 1);
  }

  /** A process leaves its machine and is nowhere. */
  take(process: number, from: number): void {
    const service = this.#instance.serviceOf[process] as number;
    if (from !== this.#origin[process]) this.#noteMoved(service, -1);
    this.#out[service] = (this.#out[service] as number) + 1;
    this.#account(process, from, -1);
  }

  put(process: number, to: number): void {
    const service = this.#instance.serviceOf[process] as number;
    if (to !== this.#origin[process]) this.#noteMoved(service, 1);
    this.#out[service] = (this.#out[service] as number) - 1;
    this.#account(process, to, 1);
  }

  /**
   * Whether a process of the service may be put on the machine: the services that it needs are in the neighbourhood;
   * where others miss it, it goes there first; and those still out can keep it spread.
   */
  mayJoin(service: number, machine: number): boolean {
    const spread = this.#instance.spreadMin[service] as number;
    if (spread > 1) {
      const others =
        (this.#out[service] as number) - 1 + (this.#distinctLocations[service] as number);
      const place = service * this.#locations + (this.#instance.location[machine] as number);
      if (others < spread && (others + 1 < spread || this.#inLocation[place] !== 0)) return false;
    }
    return this.#isMissedIfAny(service, machine) && this.#hasNeeded(service, machine);
  }

  #isMissedIfAny(service: number, machine: number): boolean {
    if (this.#missed[service] === 0) return true;
    const at = this.#instance.neighbourhood[machine] as number;
    if (this.#inNeighbourhood[service * this.#neighbourhoods + at] !== 0) return false;
    const dependents = this.#dependents[service] as Int32Array;
    for (let i = 0; i < dependents.length; i++) {
      const place = (dependents[i] as number) * this.#neighbourhoods + at;
      if (this.#inNeighbourhood[place] !== 0) return true;
    }
    return false;
  }

  /** Processes in the neighbourhood that need this one, the only one of its service there, and those that need them. */
  companions(process: number, hostOf: Int32Array): readonly number[] {
    const { serviceOf, neighbourhood } = this.#instance;
    const at = neighbourhood[hostOf[process] as number] as number;
    const found: number[] = [];
    const seen = new Set([serviceOf[process] as number]);
    for (const service of seen) {
      const isLeaving = service !== serviceOf[process];
      if (!isLeaving && this.#inNeighbourhood[service * this.#neighbourhoods + at] !== 1)
        return found;
      for (const dependent of this.#dependents[service] as Int32Array) {
        if (seen.has(dependent)) continue;
        seen.add(dependent);
        for (const other of this.#processesOf[dependent] as readonly number[]) {
          const host = hostOf[other] as number;
          if (host >= 0 && neighbourhood[host] === at) found.push(other);
        }
      }
    }
    return found;
  }

  /** By service: 0 for those that need no other, else one more than the highest of those that they need. */
  ranks(): Uint8Array {
    const { serviceCount, dependsOn } = this.#instance;
    const rank = new Uint8Array(serviceCount);
    // Services that need each other in a circle end at the limit, in no order.
    for (let round = 0; round < RANK_MAX; round++) {
      for (let service = 0; service < serviceCount; service++) {
        for (const needed of dependsOn[service] as Int32Array) {
          const least = Math.min(RANK_MAX, (rank[needed] as number) + 1);
          if ((rank[service] as number) < least) rank[service] = least;
        }
      }
    }
    return rank;
  }

  #hasNeeded(service: number, machine: number): boolean {
    const needed = this.#instance.dependsOn[service] as Int32Array;
    const at = this.#instance.neighbourhood[machine] as number;
    for (let i = 0; i < needed.length; i++) {
      const place = (needed[i] as number) * this.#neighbourhoods + at;
      if (this.#inNeighbourhood[place] === 0) return false;
    }
    return true;
  }

  /** Whether spread and dependencies hold for a service and for those that need it. */
  isSound(service: number): boolean {
    const { spreadMin, dependsOn } = this.#instance;
    if ((this.#distinctLocations[service] as number) < (spreadMin[service] as number)) return false;
    const needed = dependsOn[service] as Int32Array;
    const dependents = this.#dependents[service] as Int32Array;
    if (needed.length === 0 && dependents.length === 0) return true;
    for (let n = 0; n < this.#neighbourhoods; n++) {
      const isThere = this.#inNeighbourhood[service * this.#neighbourhoods + n] !== 0;
      for (let i = 0; isThere && i < needed.length; i++) {
        if (this.#inNeighbourhood[(needed[i] as number) * this.#neighbourhoods + n] === 0)
          return false;
      }
      for (let i = 0; !isThere && i < dependents.length; i++) {
        if (this.#inNeighbourhood[(dependents[i] as number) * this.#neighbourhoods + n] !== 0)
          return false;
      }
    }
    return true;
  }

  #noteMoved(service: number, change: number): void {
    if (change === 0) return;
    const before = this.#moved[service] as number;
    const after = before + change;
    this.#moved[service] = after;
    this.#servicesWith[before] = (this.#servicesWith[before] as number) - 1;
    this.#servicesWith[after] = (this.#servicesWith[after] as number) + 1;
    if (after > this.#mostMoved) this.#mostMoved = after;
    while (this.#mostMoved > 0 && this.#servicesWith[this.#mostMoved] === 0) this.#mostMoved--;
  }

  #account(process: number, machine: number, sign: 1 | -1): void {
    const { serviceOf, location, neighbourhood, machineCount } = this.#instance;
    const service = serviceOf[process] as number;
    const spot = service * machineCount + machine;
    this.#onMachine[spot] = (this.#onMachine[spot] as number) + sign;
    const place = service * this.#locations + (location[machine] as number);
    const before = this.#inLocation[place] as number;
    this.#inLocation[place] = before + sign;
    const distinct = this.#distinctLocations[service] as number;
    if (before === 0 && sign === 1) this.#distinctLocations[service] = distinct + 1;
    if (before === 1 && sign === -1) this.#distinctLocations[service] = distinct - 1;
    const around = service * this.#neighbourhoods + (neighbourhood[machine] as number);
    const there = (this.#inNeighbourhood[around] as number) + sign;
    this.#inNeighbourhood[around] = there;
    if (there === (sign === 1 ? 1 : 0))
      this.#accountMissed(service, neighbourhood[machine] as number, sign);
  }

  /** A service has come to a neighbourhood, or has left it. */
  #accountMissed(service: number, at: number, sign: 1 | -1): void {
    const needed = this.#instance.dependsOn[service] as Int32Array;
    for (let i = 0; i < needed.length; i++) {
      const other = needed[i] as number;
      if (this.#inNeighbourhood[other * this.#neighbourhoods + at] === 0) {
        this.#missed[other] = (this.#missed[other] as number) + sign;
      }
    }
    const dependents = this.#dependents[service] as Int32Array;
    for (let i = 0; i < dependents.length; i++) {
      const other = dependents[i] as number;
      if (other !== service && this.#inNeighbourhood[other * this.#neighbourhoods + at] !== 0) {
        this.#missed[service] = (this.#missed[service] as number) - sign;
      }
    }
  }
}
