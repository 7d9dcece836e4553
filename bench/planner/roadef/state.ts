import type { SearchState } from "../../../packages/planner/src/search/search-state.ts";
import type { RoadefInstance } from "./instance.ts";
import { machinesFor, pullOf, sizesOf } from "./prepare.ts";
import { ServiceBook } from "./services.ts";

/**
 * The challenge's constraints and costs behind the planner's own search: a process is a VM, a machine a host.
 * Every change is weighed in one pass over the resources of the machines it touches.
 */
export class RoadefState implements SearchState {
  readonly instance: RoadefInstance;
  readonly vmCount: number;
  readonly hostCount: number;
  readonly hostOf: Int32Array;
  readonly origin: Int32Array;
  readonly movable: Uint8Array;
  readonly open: Uint8Array;
  readonly sizes: readonly Float64Array[];
  readonly pull: Float64Array;
  readonly costOnlyGrows: boolean;
  /** Undefined when no service needs another. */
  readonly rank: Uint8Array | undefined;
  readonly machineCost: Float64Array;
  readonly #machinesFor: readonly Int32Array[];
  /** By machine, then resource: what another process may take, what those that left still hold counted. */
  readonly #free: Int32Array;
  /** By machine, then resource: what may be used before load costs anything; negative beyond that. */
  readonly #spare: Int32Array;
  readonly #services: ServiceBook;
  /** By process: what being moved costs, whatever the machine. */
  readonly #awayCost: Float64Array;
  #cost = 0;

  constructor(instance: RoadefInstance) {
    const { machineCount, processCount, resourceCount, weights } = instance;
    this.instance = instance;
    this.vmCount = processCount;
    this.hostCount = machineCount;
    this.hostOf = Int32Array.from(instance.initial);
    this.origin = instance.initial;
    this.movable = new Uint8Array(processCount).fill(1);
    this.open = new Uint8Array(machineCount).fill(1);
    this.machineCost = new Float64Array(machineCount);
    this.#machinesFor = machinesFor(instance);
    this.sizes = sizesOf(instance);
    this.pull = pullOf(instance);
    this.costOnlyGrows = instance.balanceCount === 0;
    this.#free = Int32Array.from(instance.capacity);
    this.#spare = Int32Array.from(instance.safety);
    this.#services = new ServiceBook(instance);
    const ranks = this.#services.ranks();
    this.rank = ranks.some((rank) => rank > 0)
      ? Uint8Array.from(instance.serviceOf, (service) => ranks[service] ?? 0)
      : undefined;
    this.#awayCost = instance.processMoveCost.map((cost) => cost * weights.process);
    for (let p = 0; p < processCount; p++) {
      const at = (this.origin[p] as number) * resourceCount;
      for (let r = 0; r < resourceCount; r++) {
        const need = instance.need[p * resourceCount + r] as number;
        this.#free[at + r] = (this.#free[at + r] as number) - need;
        this.#spare[at + r] = (this.#spare[at + r] as number) - need;
      }
    }
    this.recompute();
  }

  get cost(): number {
    return this.#cost;
  }

  hostsFor(process: number): Int32Array {
    return this.#machinesFor[process] as Int32Array;
  }

  hostCost(machine: number): number {
    return this.machineCost[machine] as number;
  }

  companions(process: number): readonly number[] {
    return this.rank === undefined ? [] : this.#services.companions(process, this.hostOf);
  }

  moveChange(process: number, to: number): number {
    const from = this.hostOf[process] as number;
    const service = this.instance.serviceOf[process] as number;
    if (this.#services.isOn(service, to)) return Infinity;
    const costThere = this.#costWithOneMore(to, process);
    if (costThere === Infinity || !this.#services.allows(service, from, to)) return Infinity;
    return (
      costThere -
      (this.machineCost[to] as number) +
      this.#costWithOneLess(from, process) -
      (this.machineCost[from] as number) +
      this.#awayChange(process, from, to) +
      this.#serviceChange(service, this.#movedChange(process, from, to), -1, 0)
    );
  }

  swapChange(one: number, other: number): number {
    const { serviceOf } = this.instance;
    const a = this.hostOf[one] as number;
    const b = this.hostOf[other] as number;
    const service = serviceOf[one] as number;
    const otherService = serviceOf[other] as number;
    const costA = this.#costWithOther(a, other, one);
    if (costA === Infinity) return Infinity;
    const costB = this.#costWithOther(b, one, other);
    if (costB === Infinity) return Infinity;
    if (!this.#services.allowsSwap(service, otherService, { a, b })) return Infinity;
    return (
      costA -
      (this.machineCost[a] as number) +
      costB -
      (this.machineCost[b] as number) +
      this.#awayChange(one, a, b) +
      this.#awayChange(other, b, a) +
      this.#serviceChange(
        service,
        this.#movedChange(one, a, b),
        otherService,
        this.#movedChange(other, b, a),
      )
    );
  }

  move(process: number, to: number): void {
    const from = this.hostOf[process] as number;
    if (from === to) return;
    const mostMoved = this.#services.mostMoved;
    this.#services.move(process, from, to);
    this.#cost += this.#awayChange(process, from, to);
    this.#noteLoad(process, from, -1);
    this.#noteLoad(process, to, 1);
    this.#noteMostMoved(mostMoved);
    this.hostOf[process] = to;
  }

  take(process: number): void {
    const from = this.hostOf[process] as number;
    const mostMoved = this.#services.mostMoved;
    this.#services.take(process, from);
    this.#cost -= this.#away(process, from);
    this.#noteLoad(process, from, -1);
    this.#noteMostMoved(mostMoved);
    this.hostOf[process] = -1;
  }

  joinChange(process: number, to: number): number {
    const service = this.instance.serviceOf[process] as number;
    if (this.#services.isOn(service, to)) return Infinity;
    const cost = this.#costWithOneMore(to, process);
    if (cost === Infinity || !this.#services.mayJoin(service, to)) return Infinity;
    const moved = this.origin[process] === to ? 0 : 1;
    return (
      cost -
      (this.machineCost[to] as number) +
      this.#away(process, to) +
      this.#serviceChange(service, moved, -1, 0)
    );
  }

  put(process: number, to: number): void {
    const mostMoved = this.#services.mostMoved;
    this.#services.put(process, to);
    this.#cost += this.#away(process, to);
    this.#noteLoad(process, to, 1);
    this.#noteMostMoved(mostMoved);
    this.hostOf[process] = to;
  }

  isSettled(process: number): boolean {
    return this.#services.isSound(this.instance.serviceOf[process] as number);
  }

  recompute(): void {
    let cost = this.instance.weights.service * this.#services.mostMoved;
    for (let m = 0; m < this.hostCount; m++) {
      this.machineCost[m] = this.#costOf(m);
      cost += this.machineCost[m] as number;
    }
    for (let p = 0; p < this.vmCount; p++) {
      cost += this.#awayChange(p, this.origin[p] as number, this.hostOf[p] as number);
    }
    this.#cost = cost;
  }

  /** One process more or less on a machine, and what that makes of the machine's cost. */
  #noteLoad(process: number, machine: number, sign: 1 | -1): void {
    const { resourceCount: resources, need, transient } = this.instance;
    const isNative = this.origin[process] === machine;
    const at = machine * resources;
    for (let r = 0; r < resources; r++) {
      const amount = sign * (need[process * resources + r] as number);
      this.#spare[at + r] = (this.#spare[at + r] as number) - amount;
      if (isNative && transient[r] === 1) continue;
      this.#free[at + r] = (this.#free[at + r] as number) - amount;
    }
    const cost = this.#costOf(machine);
    this.#cost += cost - (this.machineCost[machine] as number);
    this.machineCost[machine] = cost;
  }

  #noteMostMoved(before: number): void {
    this.#cost += this.instance.weights.service * (this.#services.mostMoved - before);
  }

  /** Infinity when a resource is short. */
  #costWithOneMore(machine: number, process: number): number {
    const { resourceCount: resources, need, loadWeight } = this.instance;
    const at = machine * resources;
    const of = process * resources;
    if (this.origin[process] !== machine) {
      for (let r = 0; r < resources; r++) {
        if ((need[of + r] as number) > (this.#free[at + r] as number)) return Infinity;
      }
    } else if (!this.#hasRoomToReturn(process, machine)) {
      return Infinity;
    }
    let cost = 0;
    for (let r = 0; r < resources; r++) {
      const over = (need[of + r] as number) - (this.#spare[at + r] as number);
      if (over > 0) cost += over * (loadWeight[r] as number);
    }
    return this.instance.balanceCount === 0 ? cost : cost + this.#balanceWith(at, of, -1);
  }

  /** What is transient the process still holds there. */
  #hasRoomToReturn(process: number, machine: number): boolean {
    const { resourceCount: resources, need, transient } = this.instance;
    for (let r = 0; r < resources; r++) {
      const more = need[process * resources + r] as number;
      if (transient[r] === 0 && more > (this.#free[machine * resources + r] as number))
        return false;
    }
    return true;
  }

  #costWithOneLess(machine: number, process: number): number {
    const { resourceCount: resources, need, loadWeight } = this.instance;
    const at = machine * resources;
    const of = process * resources;
    let cost = 0;
    for (let r = 0; r < resources; r++) {
      const over = (need[of + r] as number) + (this.#spare[at + r] as number);
      if (over < 0) cost -= over * (loadWeight[r] as number);
    }
    return this.instance.balanceCount === 0 ? cost : cost + this.#balanceWith(at, -1, of);
  }

  /** Infinity when a resource is short. */
  #costWithOther(machine: number, joining: number, leaving: number): number {
    const { resourceCount: resources, need, loadWeight, transient } = this.instance;
    const returns = this.origin[joining] === machine;
    const departs = this.origin[leaving] === machine;
    const at = machine * resources;
    const more = joining * resources;
    const less = leaving * resources;
    let cost = 0;
    for (let r = 0; r < resources; r++) {
      const stays = transient[r] === 1;
      const joins = need[more + r] as number;
      const leaves = need[less + r] as number;
      const needed = (stays && returns ? 0 : joins) - (stays && departs ? 0 : leaves);
      if (needed > (this.#free[at + r] as number)) return Infinity;
      const over = joins - leaves - (this.#spare[at + r] as number);
      if (over > 0) cost += over * (loadWeight[r] as number);
    }
    return this.instance.balanceCount === 0 ? cost : cost + this.#balanceWith(at, more, less);
  }

  #costOf(machine: number): number {
    const { resourceCount: resources, loadWeight } = this.instance;
    const at = machine * resources;
    let cost = 0;
    for (let r = 0; r < resources; r++) {
      const spare = this.#spare[at + r] as number;
      if (spare < 0) cost -= spare * (loadWeight[r] as number);
    }
    return this.instance.balanceCount === 0 ? cost : cost + this.#balanceWith(at, -1, -1);
  }

  /** Balance cost of a machine with one process more and one less; -1 for none. */
  #balanceWith(at: number, more: number, less: number): number {
    const { need, headroom, balances } = this.instance;
    const spare = this.#spare;
    let cost = 0;
    for (let i = 0; i < balances.length; i++) {
      const { first, second, target, weight } = balances[i] as (typeof balances)[number];
      let freeFirst = (headroom[at + first] as number) + (spare[at + first] as number);
      let freeSecond = (headroom[at + second] as number) + (spare[at + second] as number);
      if (more >= 0) {
        freeFirst -= need[more + first] as number;
        freeSecond -= need[more + second] as number;
      }
      if (less >= 0) {
        freeFirst += need[less + first] as number;
        freeSecond += need[less + second] as number;
      }
      const missing = target * freeFirst - freeSecond;
      if (missing > 0) cost += missing * weight;
    }
    return cost;
  }

  /** What it costs that the process is there and not at its origin. */
  #away(process: number, machine: number): number {
    const origin = this.origin[process] as number;
    if (machine === origin) return 0;
    const { weights, machineMoveCost } = this.instance;
    const way = machineMoveCost[origin * this.hostCount + machine] as number;
    return (this.#awayCost[process] as number) + weights.machine * way;
  }

  #awayChange(process: number, from: number, to: number): number {
    return this.#away(process, to) - this.#away(process, from);
  }

  #movedChange(process: number, from: number, to: number): number {
    const origin = this.origin[process];
    return Number(to !== origin) - Number(from !== origin);
  }

  #serviceChange(service: number, change: number, other: number, otherChange: number): number {
    const weight = this.instance.weights.service;
    if (weight === 0 || (change === 0 && otherChange === 0)) return 0;
    const services = this.#services;
    return (
      weight * (services.mostMovedAfter(service, change, other, otherChange) - services.mostMoved)
    );
  }
}
