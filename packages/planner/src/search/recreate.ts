import type { Arrangement } from "./arrangement.ts";

export interface RecreateOptions {
  /** Hosts that some VMs are taken from in one step. */
  readonly hostsMax: number;
  readonly vmsPerHostMax: number;
}

/** Share of steps whose first host is chosen for its cost. */
const DEAR_SHARE = 0.3;

/** On average one host in so many is overlooked, so that the same VMs do not always come back to the same places. */
const OVERLOOKED_ONE_IN = 50;

const MOVED_TAKEN_MAX = 4;

/** How often a VM takes with it those that depend on it: without them it can only come back to where they are. */
const WITH_COMPANIONS_SHARE = 0.5;

/** More companions than this are too much for one step. */
const COMPANIONS_MAX = 24;

/** How often the first to leave with companions may not simply return. */
const SENT_AWAY_SHARE = 0.7;

/** How far a VM's size is blurred when deciding who comes back first. */
const BLUR = 0.4;

/** Share of steps in which VMs come back in no order at all. */
const SHUFFLED_SHARE = 0.2;

/**
 * The large change: some VMs of a few hosts are taken out and put back one after the other, the large first,
 * each where it costs least. This finds what no move or swap can where hosts are nearly full: several VMs must
 * make way for one at the same time.
 */
export class Recreate {
  /** Places weighed in the latest step. */
  weighed = 0;
  readonly #arrangement: Arrangement;
  readonly #options: RecreateOptions;
  readonly #hosts: number[] = [];
  readonly #taken: number[] = [];
  readonly #was: number[] = [];
  readonly #order: number[] = [];
  readonly #key: Float64Array;
  /** A VM that may not return to where it was, or -1. */
  #sentAway = -1;

  constructor(arrangement: Arrangement, options: RecreateOptions) {
    this.#arrangement = arrangement;
    this.#options = options;
    this.#key = new Float64Array(arrangement.state.vmCount);
  }

  /** @param allowance how much the cost may grow. */
  step(allowance: number): void {
    const { state } = this.#arrangement;
    const limit = this.#arrangement.height + allowance;
    this.weighed = 1;
    this.#takeSome();
    const isBack = this.#putBack(limit);
    const isLow = isBack && this.#arrangement.height <= limit;
    if (isLow && this.#taken.every((vm) => state.isSettled(vm))) return;
    for (const vm of this.#taken) if (state.hostOf[vm] !== -1) this.#arrangement.take(vm);
    this.#taken.forEach((vm, index) => this.#arrangement.put(vm, this.#was[index] as number));
  }

  #takeSome(): void {
    const { random } = this.#arrangement;
    this.#hosts.length = this.#taken.length = this.#was.length = this.#order.length = 0;
    this.#sentAway = -1;
    const { hostsMax } = this.#options;
    const hostCount = hostsMax === 1 ? 1 : 2 + random.below(hostsMax - 1);
    for (let i = 0; i < hostCount; i++) {
      const host = i === 0 ? this.#firstHost() : this.#nextHost();
      if (host < 0 || this.#hosts.includes(host)) continue;
      this.#hosts.push(host);
      this.#takeFrom(host, 1 + random.below(this.#options.vmsPerHostMax));
    }
    if (this.#arrangement.isFull) this.#takeMoved(1 + random.below(MOVED_TAKEN_MAX));
  }

  #firstHost(): number {
    const isDear = this.#arrangement.random.next() < DEAR_SHARE;
    return isDear ? this.#arrangement.dearHost() : this.#arrangement.someHost();
  }

  /** Where one of those that were taken could go: hosts that have nothing to give each other are of no use. */
  #nextHost(): number {
    const vm = this.#taken[this.#arrangement.random.below(this.#taken.length)];
    return vm === undefined ? this.#arrangement.someHost() : this.#arrangement.someHostFor(vm);
  }

  /** Where the allowance is used up, some that have moved must give back their share of it. */
  #takeMoved(count: number): void {
    for (let i = 0; i < count && this.#arrangement.movedCount > 0; i++) {
      this.#take(this.#arrangement.someMovedVm());
    }
  }

  #take(vm: number): void {
    this.#taken.push(vm);
    this.#was.push(this.#arrangement.state.hostOf[vm] as number);
    this.#arrangement.take(vm);
  }

  /** Those that could not stay without the VM leave with it. */
  #takeCompanions(vm: number): void {
    const { state, random } = this.#arrangement;
    if (state.companions === undefined || random.next() > WITH_COMPANIONS_SHARE) return;
    const companions = state.companions(vm);
    if (companions.length === 0 || companions.length > COMPANIONS_MAX) return;
    if (companions.some((other) => state.movable[other] === 0)) return;
    for (const other of companions) this.#take(other);
    if (this.#sentAway < 0 && random.next() < SENT_AWAY_SHARE) this.#sentAway = vm;
  }

  #takeFrom(host: number, count: number): void {
    const { state, random, occupants } = this.#arrangement;
    for (let i = 0; i < count; i++) {
      const vm = occupants.pick(host, random);
      if (vm < 0) return;
      if (state.movable[vm] === 0) continue;
      this.#takeCompanions(vm);
      this.#take(vm);
    }
  }

  #putBack(limit: number): boolean {
    const { state } = this.#arrangement;
    this.#sortTaken();
    for (const vm of this.#order) {
      const host = this.#bestFor(vm);
      if (host < 0) return false;
      this.#arrangement.put(vm, host);
      if (state.costOnlyGrows && this.#arrangement.height > limit) return false;
    }
    return true;
  }

  #sortTaken(): void {
    const { state, random } = this.#arrangement;
    const measure = state.sizes[random.below(state.sizes.length)];
    const isShuffled = measure === undefined || random.next() < SHUFFLED_SHARE;
    for (const vm of this.#taken) {
      const blurred = 1 - BLUR / 2 + BLUR * random.next();
      this.#key[vm] = isShuffled ? random.next() : (measure[vm] as number) * blurred;
      this.#order.push(vm);
    }
    const { rank } = state;
    this.#order.sort((one, other) => {
      const before = rank === undefined ? 0 : (rank[one] as number) - (rank[other] as number);
      return before || (this.#key[other] as number) - (this.#key[one] as number);
    });
  }

  /** Where the VM costs least, or -1. */
  #bestFor(vm: number): number {
    const { state, random, isFull } = this.#arrangement;
    const origin = state.origin[vm] as number;
    if (isFull) return state.joinChange(vm, origin) === Infinity ? -1 : origin;
    const hosts = state.hostsFor(vm);
    const pull = this.#arrangement.pullOf(vm);
    this.weighed += hosts.length;
    const barred = vm === this.#sentAway ? (this.#was[this.#taken.indexOf(vm)] as number) : -1;
    let overlooked = random.below(OVERLOOKED_ONE_IN);
    let best = -1;
    let lowest = Infinity;
    for (let i = 0; i < hosts.length; i++) {
      if (i === overlooked) {
        overlooked += 1 + random.below(2 * OVERLOOKED_ONE_IN);
        continue;
      }
      const host = hosts[i] as number;
      if (host === barred) continue;
      let change = state.joinChange(vm, host);
      if (host !== origin) change += pull;
      if (change < lowest) {
        lowest = change;
        best = host;
      }
    }
    return best;
  }
}
