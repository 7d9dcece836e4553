import type { SearchState } from "../../../packages/planner/src/search/search-state.ts";
import type { RoadefInstance } from "./instance.ts";

/**
 * The challenge's constraints and costs behind the planner's own search: a process is a VM, a machine a host.
 */
export class RoadefState implements SearchState {
  readonly instance: RoadefInstance;
  readonly vmCount: number;
  readonly hostCount: number;
  readonly hostOf: Int32Array;
  readonly origin: Int32Array;
  readonly movable: Uint8Array;
  readonly open: Uint8Array;
  /** By machine, then resource: what processes there use. */
  readonly use: Float64Array;
  /** The same with what processes that left still hold of transient resources. */
  readonly held: Float64Array;
  readonly machineCost: Float64Array;
  readonly #onMachine: Uint8Array;
  readonly #inLocation: Int32Array;
  readonly #locations: number;
  readonly #distinctLocations: Int32Array;
  readonly #inNeighbourhood: Int32Array;
  readonly #neighbourhoods: number;
  readonly #dependents: readonly Int32Array[];
  readonly #movedOfService: Int32Array;
  /** By number of moved processes: how many services have that many. */
  readonly #servicesWith: Int32Array;
  #mostMoved = 0;
  #cost = 0;

  constructor(instance: RoadefInstance) {
    const { machineCount, processCount, serviceCount, resourceCount } = instance;
    this.instance = instance;
    this.vmCount = processCount;
    this.hostCount = machineCount;
    this.hostOf = Int32Array.from(instance.initial);
    this.origin = instance.initial;
    this.movable = new Uint8Array(processCount).fill(1);
    this.open = new Uint8Array(machineCount).fill(1);
    this.use = new Float64Array(machineCount * resourceCount);
    this.machineCost = new Float64Array(machineCount);
    this.#onMachine = new Uint8Array(serviceCount * machineCount);
    this.#locations = Math.max(...instance.location) + 1;
    this.#neighbourhoods = Math.max(...instance.neighbourhood) + 1;
    this.#inLocation = new Int32Array(serviceCount * this.#locations);
    this.#distinctLocations = new Int32Array(serviceCount);
    this.#inNeighbourhood = new Int32Array(serviceCount * this.#neighbourhoods);
    this.#movedOfService = new Int32Array(serviceCount);
    this.#servicesWith = new Int32Array(processCount + 1);
    this.#servicesWith[0] = serviceCount;
    const dependents: number[][] = Array.from({ length: serviceCount }, () => []);
    instance.dependsOn.forEach((list, service) => {
      for (const needed of list) dependents[needed]?.push(service);
    });
    this.#dependents = dependents.map((list) => Int32Array.from(list));
    for (let p = 0; p < processCount; p++) this.#arrive(p, this.hostOf[p] as number);
    this.held = Float64Array.from(this.use);
    this.recompute();
  }

  get cost(): number {
    return this.#cost;
  }

  hostCost(machine: number): number {
    return this.machineCost[machine] as number;
  }

  canMove(process: number, to: number): boolean {
    const from = this.hostOf[process] as number;
    return (
      this.#onMachine[(this.instance.serviceOf[process] as number) * this.hostCount + to] === 0 &&
      this.#hasRoom(process, -1, to) &&
      this.#keepsService(process, from, to)
    );
  }

  costOfMove(process: number, to: number): number {
    const from = this.hostOf[process] as number;
    return (
      this.#cost -
      (this.machineCost[from] as number) -
      (this.machineCost[to] as number) +
      this.#costWith(from, -1, process) +
      this.#costWith(to, process, -1) +
      this.#moveCostChange(process, to) +
      this.#serviceCostChange(process, to, -1, -1)
    );
  }

  canSwap(one: number, other: number): boolean {
    const { serviceOf, dependsOn, neighbourhood } = this.instance;
    const a = this.hostOf[one] as number;
    const b = this.hostOf[other] as number;
    const s = serviceOf[one] as number;
    const t = serviceOf[other] as number;
    if (s !== t) {
      const machines = this.hostCount;
      if (this.#onMachine[s * machines + b] !== 0 || this.#onMachine[t * machines + a] !== 0) {
        return false;
      }
      const isRelated = dependsOn[s]?.includes(t) === true || dependsOn[t]?.includes(s) === true;
      if (isRelated && neighbourhood[a] !== neighbourhood[b]) return false;
      if (!this.#keepsService(one, a, b) || !this.#keepsService(other, b, a)) return false;
    }
    return this.#hasRoom(one, other, b) && this.#hasRoom(other, one, a);
  }

  costOfSwap(one: number, other: number): number {
    const a = this.hostOf[one] as number;
    const b = this.hostOf[other] as number;
    return (
      this.#cost -
      (this.machineCost[a] as number) -
      (this.machineCost[b] as number) +
      this.#costWith(a, other, one) +
      this.#costWith(b, one, other) +
      this.#moveCostChange(one, b) +
      this.#moveCostChange(other, a) +
      this.#serviceCostChange(one, b, other, a)
    );
  }

  move(process: number, to: number): void {
    const from = this.hostOf[process] as number;
    if (from === to) return;
    const { resourceCount: resources, need, transient, serviceOf } = this.instance;
    const origin = this.origin[process] as number;
    this.#cost += this.#moveCostChange(process, to) + this.#serviceCostChange(process, to, -1, -1);
    const service = serviceOf[process] as number;
    if (from === origin) this.#noteMoved(service, 1);
    else if (to === origin) this.#noteMoved(service, -1);
    this.#leave(process, from);
    this.#arrive(process, to);
    for (let r = 0; r < resources; r++) {
      const amount = need[process * resources + r] as number;
      const stays = transient[r] === 1;
      if (!stays || from !== origin)
        this.held[from * resources + r] = (this.held[from * resources + r] as number) - amount;
      if (!stays || to !== origin)
        this.held[to * resources + r] = (this.held[to * resources + r] as number) + amount;
    }
    this.hostOf[process] = to;
    this.#cost -= (this.machineCost[from] as number) + (this.machineCost[to] as number);
    this.machineCost[from] = this.#costWith(from, -1, -1);
    this.machineCost[to] = this.#costWith(to, -1, -1);
    this.#cost += this.machineCost[from] + this.machineCost[to];
  }

  recompute(): void {
    const { weights, processMoveCost, machineMoveCost } = this.instance;
    let cost = weights.service * this.#mostMoved;
    for (let m = 0; m < this.hostCount; m++) {
      this.machineCost[m] = this.#costWith(m, -1, -1);
      cost += this.machineCost[m] as number;
    }
    for (let p = 0; p < this.vmCount; p++) {
      const from = this.origin[p] as number;
      const to = this.hostOf[p] as number;
      if (from === to) continue;
      cost += weights.process * (processMoveCost[p] as number);
      cost += weights.machine * (machineMoveCost[from * this.hostCount + to] as number);
    }
    this.#cost = cost;
  }

  /** Load and balance cost of a machine with one process more and one less (-1: none). */
  #costWith(machine: number, joining: number, leaving: number): number {
    const {
      resourceCount: resources,
      need,
      safety,
      capacity,
      loadWeight,
      balances,
    } = this.instance;
    const use = this.use;
    const at = machine * resources;
    let cost = 0;
    for (let r = 0; r < resources; r++) {
      let used = use[at + r] as number;
      if (joining >= 0) used += need[joining * resources + r] as number;
      if (leaving >= 0) used -= need[leaving * resources + r] as number;
      const over = used - (safety[at + r] as number);
      if (over > 0) cost += over * (loadWeight[r] as number);
    }
    for (let i = 0; i < balances.length; i++) {
      const { first, second, target, weight } = balances[i] as (typeof balances)[number];
      let freeFirst = (capacity[at + first] as number) - (use[at + first] as number);
      let freeSecond = (capacity[at + second] as number) - (use[at + second] as number);
      if (joining >= 0) {
        freeFirst -= need[joining * resources + first] as number;
        freeSecond -= need[joining * resources + second] as number;
      }
      if (leaving >= 0) {
        freeFirst += need[leaving * resources + first] as number;
        freeSecond += need[leaving * resources + second] as number;
      }
      const missing = target * freeFirst - freeSecond;
      if (missing > 0) cost += missing * weight;
    }
    return cost;
  }

  #moveCostChange(process: number, to: number): number {
    const { weights, processMoveCost, machineMoveCost } = this.instance;
    const origin = this.origin[process] as number;
    const from = this.hostOf[process] as number;
    const row = origin * this.hostCount;
    const own = weights.process * (processMoveCost[process] as number);
    let change =
      weights.machine *
      ((machineMoveCost[row + to] as number) - (machineMoveCost[row + from] as number));
    if (from === origin) change += own;
    else if (to === origin) change -= own;
    return change;
  }

  /** The cost of the service of which most processes moved, for one or two moves. */
  #serviceCostChange(one: number, to: number, other: number, otherTo: number): number {
    const weight = this.instance.weights.service;
    if (weight === 0) return 0;
    const serviceOne = this.instance.serviceOf[one] as number;
    const changeOne = this.#movedChange(one, to);
    if (other < 0) return weight * (this.#mostMovedWith(serviceOne, changeOne) - this.#mostMoved);
    const serviceOther = this.instance.serviceOf[other] as number;
    const changeOther = this.#movedChange(other, otherTo);
    if (serviceOne === serviceOther) {
      return weight * (this.#mostMovedWith(serviceOne, changeOne + changeOther) - this.#mostMoved);
    }
    const before = this.#mostMoved;
    this.#noteMoved(serviceOne, changeOne);
    const after = this.#mostMovedWith(serviceOther, changeOther);
    this.#noteMoved(serviceOne, -changeOne);
    return weight * (after - before);
  }

  #movedChange(process: number, to: number): number {
    const origin = this.origin[process];
    return Number(to !== origin) - Number(this.hostOf[process] !== origin);
  }

  #mostMovedWith(service: number, change: number): number {
    const before = this.#movedOfService[service] as number;
    if (change > 0) return Math.max(this.#mostMoved, before + change);
    if (change === 0 || before < this.#mostMoved || (this.#servicesWith[before] as number) > 1) {
      return this.#mostMoved;
    }
    let most = this.#mostMoved - 1;
    while (most > before + change && this.#servicesWith[most] === 0) most--;
    return most;
  }

  #noteMoved(service: number, change: number): void {
    if (change === 0) return;
    const before = this.#movedOfService[service] as number;
    const after = before + change;
    this.#movedOfService[service] = after;
    this.#servicesWith[before] = (this.#servicesWith[before] as number) - 1;
    this.#servicesWith[after] = (this.#servicesWith[after] as number) + 1;
    if (after > this.#mostMoved) this.#mostMoved = after;
    while (this.#mostMoved > 0 && this.#servicesWith[this.#mostMoved] === 0) this.#mostMoved--;
  }

  /** Room for a process on a machine that another (or -1) leaves. */
  #hasRoom(process: number, leaving: number, machine: number): boolean {
    const { resourceCount: resources, need, capacity, transient } = this.instance;
    const isOrigin = this.origin[process] === machine;
    const leavesOrigin = leaving >= 0 && this.origin[leaving] === machine;
    for (let r = 0; r < resources; r++) {
      const stays = transient[r] === 1;
      let held = this.held[machine * resources + r] as number;
      if (!stays || !isOrigin) held += need[process * resources + r] as number;
      if (leaving >= 0 && (!stays || !leavesOrigin))
        held -= need[leaving * resources + r] as number;
      if (held > (capacity[machine * resources + r] as number)) return false;
    }
    return true;
  }

  /** Spread and dependencies of the service when one of its processes goes from one machine to another. */
  #keepsService(process: number, from: number, to: number): boolean {
    const { serviceOf, location, neighbourhood, spreadMin, dependsOn } = this.instance;
    const service = serviceOf[process] as number;
    const left = location[from] as number;
    const joined = location[to] as number;
    if (left !== joined && (spreadMin[service] as number) > 1) {
      const base = service * this.#locations;
      let distinct = this.#distinctLocations[service] as number;
      if (this.#inLocation[base + left] === 1) distinct--;
      if (this.#inLocation[base + joined] === 0) distinct++;
      if (distinct < (spreadMin[service] as number)) return false;
    }
    const old = neighbourhood[from] as number;
    const now = neighbourhood[to] as number;
    if (old === now) return true;
    const count = this.#neighbourhoods;
    const needed = dependsOn[service] as Int32Array;
    for (let i = 0; i < needed.length; i++) {
      if (this.#inNeighbourhood[(needed[i] as number) * count + now] === 0) return false;
    }
    if (this.#inNeighbourhood[service * count + old] !== 1) return true;
    const dependents = this.#dependents[service] as Int32Array;
    for (let i = 0; i < dependents.length; i++) {
      if ((this.#inNeighbourhood[(dependents[i] as number) * count + old] as number) > 0)
        return false;
    }
    return true;
  }

  #arrive(process: number, machine: number): void {
    this.#account(process, machine, 1);
  }

  #leave(process: number, machine: number): void {
    this.#account(process, machine, -1);
  }

  #account(process: number, machine: number, sign: 1 | -1): void {
    const { resourceCount: resources, need, serviceOf, location, neighbourhood } = this.instance;
    for (let r = 0; r < resources; r++) {
      const at = machine * resources + r;
      this.use[at] = (this.use[at] as number) + sign * (need[process * resources + r] as number);
    }
    const service = serviceOf[process] as number;
    const spot = service * this.hostCount + machine;
    this.#onMachine[spot] = (this.#onMachine[spot] as number) + sign;
    const place = service * this.#locations + (location[machine] as number);
    const before = this.#inLocation[place] as number;
    this.#inLocation[place] = before + sign;
    if (before === 0 && sign === 1)
      this.#distinctLocations[service] = (this.#distinctLocations[service] as number) + 1;
    if (before === 1 && sign === -1)
      this.#distinctLocations[service] = (this.#distinctLocations[service] as number) - 1;
    const around = service * this.#neighbourhoods + (neighbourhood[machine] as number);
    this.#inNeighbourhood[around] = (this.#inNeighbourhood[around] as number) + sign;
  }
}
