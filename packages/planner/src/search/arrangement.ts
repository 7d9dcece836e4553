import { Occupants } from "./occupants.ts";
import type { SeededRandom } from "./random.ts";
import type { SearchState } from "./search-state.ts";

/** A state with what every kind of step keeps beside it: who is on each host, and which VMs have moved. */
export class Arrangement {
  readonly state: SearchState;
  readonly random: SeededRandom;
  /** VMs that may end away from their origin. */
  readonly movesMax: number;
  readonly occupants: Occupants;
  readonly movable: Int32Array;
  readonly hosts: Int32Array;
  movedCount = 0;
  temperature = 0;
  readonly #pullOf: Float64Array;
  /** Sum of the pull of VMs that are away. */
  #pull = 0;
  readonly #moved: Int32Array;
  readonly #placeInMoved: Int32Array;

  constructor(
    state: SearchState,
    how: { readonly random: SeededRandom; readonly movesMax: number; readonly pull: number },
  ) {
    this.state = state;
    this.#pullOf = state.pull.map((pull) => pull * how.pull);
    this.random = how.random;
    this.movesMax = how.movesMax;
    this.occupants = new Occupants(state.hostCount, state.hostOf);
    this.movable = indexesWhere(state.movable);
    this.hosts = indexesWhere(state.open);
    this.#moved = new Int32Array(state.vmCount);
    this.#placeInMoved = new Int32Array(state.vmCount).fill(-1);
    for (const vm of this.movable) this.#noteMoved(vm);
  }

  get isFull(): boolean {
    return this.movedCount >= this.movesMax;
  }

  /** What the search minimises: the cost, and the pull of those that are away. */
  get height(): number {
    return this.state.cost + this.temperature * this.#pull;
  }

  /** What it costs the search at this temperature that the VM is away. */
  pullOf(vm: number): number {
    return (this.#pullOf[vm] as number) * this.temperature;
  }

  /** How the pull changes when a VM goes to another host. */
  pullChange(vm: number, host: number): number {
    const { origin, hostOf } = this.state;
    const home = origin[vm];
    const change = Number(host !== home) - Number(hostOf[vm] !== home);
    return change === 0 ? 0 : change * this.pullOf(vm);
  }

  hasMoved(vm: number): boolean {
    return this.#placeInMoved[vm] !== -1;
  }

  someHost(): number {
    return this.hosts[this.random.below(this.hosts.length)] as number;
  }

  /** The dearest of three, where hosts have costs of their own. */
  dearHost(): number {
    const { state } = this;
    let dearest = this.someHost();
    if (state.hostCost === undefined) return dearest;
    let highest = state.hostCost(dearest);
    for (let i = 1; i < 3; i++) {
      const host = this.someHost();
      const cost = state.hostCost(host);
      if (cost > highest) [dearest, highest] = [host, cost];
    }
    return dearest;
  }

  someVm(): number {
    return this.movable[this.random.below(this.movable.length)] as number;
  }

  /** One of those that have moved; there must be one. */
  someMovedVm(): number {
    return this.#moved[this.random.below(this.movedCount)] as number;
  }

  /** A host that could ever take the VM, or -1. */
  someHostFor(vm: number): number {
    const hosts = this.state.hostsFor(vm);
    return hosts.length === 0 ? -1 : (hosts[this.random.below(hosts.length)] as number);
  }

  move(vm: number, host: number): void {
    const from = this.state.hostOf[vm] as number;
    if (from === host) return;
    this.occupants.remove(vm, from);
    this.occupants.add(vm, host);
    this.state.move(vm, host);
    this.#noteMoved(vm);
  }

  take(vm: number): void {
    this.occupants.remove(vm, this.state.hostOf[vm] as number);
    this.state.take(vm);
    this.#noteAway(vm, false);
  }

  put(vm: number, host: number): void {
    this.occupants.add(vm, host);
    this.state.put(vm, host);
    this.#noteMoved(vm);
  }

  #noteMoved(vm: number): void {
    this.#noteAway(vm, this.state.hostOf[vm] !== this.state.origin[vm]);
  }

  #noteAway(vm: number, isAway: boolean): void {
    const place = this.#placeInMoved[vm] as number;
    if (isAway && place === -1) {
      this.#placeInMoved[vm] = this.movedCount;
      this.#moved[this.movedCount++] = vm;
      this.#pull += this.#pullOf[vm] as number;
    } else if (!isAway && place !== -1) {
      const last = this.#moved[--this.movedCount] as number;
      this.#moved[place] = last;
      this.#placeInMoved[last] = place;
      this.#placeInMoved[vm] = -1;
      // Nothing is left of rounding once nobody is away.
      this.#pull = this.movedCount === 0 ? 0 : this.#pull - (this.#pullOf[vm] as number);
    }
  }
}

function indexesWhere(flags: Uint8Array): Int32Array {
  const indexes: number[] = [];
  flags.forEach((flag, index) => {
    if (flag === 1) indexes.push(index);
  });
  return Int32Array.from(indexes);
}
