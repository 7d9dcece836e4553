import type { RoadefInstance } from "./instance.ts";

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
    this.#account(process, from, -1);
  }

  put(process: number, to: number): void {
    const service = this.#instance.serviceOf[process] as number;
    if (to !== this.#origin[process]) this.#noteMoved(service, 1);
    this.#account(process, to, 1);
  }

  /** Whether the services that this one needs are in the machine's neighbourhood. */
  hasNeeded(service: number, machine: number): boolean {
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
    this.#inNeighbourhood[around] = (this.#inNeighbourhood[around] as number) + sign;
  }
}
