import { SeededRandom } from "./random.ts";
import type { SearchState } from "./search-state.ts";

export interface AnnealOptions {
  /** VMs that may end away from their origin. */
  readonly movesMax: number;
  /** Candidates to weigh; with the seed this alone decides the result. */
  readonly evaluationsMax: number;
  readonly seed: number;
  /**
   * How much of the caller's time is used up, from 0 to 1, for callers with a deadline: the search cools down
   * in step with it and ends at 1.
   */
  readonly elapsedShare?: (() => number) | undefined;
  /** Times the median change of a random move; default {@link START_TEMPERATURE}. */
  readonly startTemperature?: number;
  /** End temperature over start temperature; default {@link END_OVER_START}. */
  readonly cooling?: number;
  /** Share of swaps among the candidates while moves are not used up. */
  readonly swapShare?: number;
  /** Hosts, or partners of a swap, to look at until one is allowed; default 1. For clusters that are nearly full. */
  readonly attempts?: number;
  /** Share of chains: one VM makes way so that another can take its place. For clusters that are nearly full. */
  readonly chainShare?: number;
}

/** How often the best is kept and the caller asked for the time. */
const EPOCHS = 400;

/** At most this many candidates between two such moments: some tenths of a second. */
const EPOCH_MAX = 500_000;

/** Times the median change of a random move that changes anything: hot enough to leave the greedy order, not so hot as to forget it. */
const START_TEMPERATURE = 5;

/** At the end only changes for the better are taken. */
const END_OVER_START = 1 / 1000;

/** Random moves whose changes are looked at to set the temperature. */
const SAMPLES = 5000;

/**
 * Simulated annealing over moves, exchanges and swaps that never leaves the hard rules and never has more
 * than `movesMax` VMs away from home. When the allowance is used up a VM moves only if another returns.
 */
export class Annealer {
  readonly #state: SearchState;
  readonly #random: SeededRandom;
  readonly #movesMax: number;
  readonly #movable: Int32Array;
  readonly #hosts: Int32Array;
  readonly #moved: Int32Array;
  readonly #placeInMoved: Int32Array;
  #movedCount = 0;
  #temperature = 0;
  readonly #swapShare: number;
  readonly #chainShare: number;
  readonly #attempts: number;
  readonly #occupants: Occupants;
  readonly #atHome: Int32Array[];

  constructor(state: SearchState, options: AnnealOptions) {
    this.#state = state;
    this.#random = new SeededRandom(options.seed);
    this.#movesMax = options.movesMax;
    this.#swapShare = options.swapShare ?? 0.2;
    this.#chainShare = this.#swapShare + (options.chainShare ?? 0);
    this.#attempts = options.attempts ?? 1;
    this.#occupants = new Occupants(state);
    this.#movable = indexesWhere(state.movable);
    this.#hosts = indexesWhere(state.open);
    this.#moved = new Int32Array(state.vmCount);
    this.#placeInMoved = new Int32Array(state.vmCount).fill(-1);
    const atHome: number[][] = Array.from({ length: state.hostCount }, () => []);
    for (const vm of this.#movable) atHome[state.origin[vm] as number]?.push(vm);
    this.#atHome = atHome.map((vms) => Int32Array.from(vms));
    for (const vm of this.#movable) this.#noteMoved(vm);
  }

  run(options: AnnealOptions): void {
    const { evaluationsMax } = options;
    if (this.#movable.length === 0 || this.#hosts.length < 2 || this.#movesMax === 0) return;
    const state = this.#state;
    const start = this.#typicalChange() * (options.startTemperature ?? START_TEMPERATURE);
    if (start === 0) return;
    const epochSize = Math.max(1, Math.floor(Math.min(evaluationsMax / EPOCHS, EPOCH_MAX)));
    let bestCost = state.cost;
    let best = Int32Array.from(state.hostOf);
    for (let evaluations = 0, share = 0; share < 1;) {
      this.#temperature = start * (options.cooling ?? END_OVER_START) ** share;
      for (let i = 0; i < epochSize; i++) this.#step();
      evaluations += epochSize;
      state.recompute();
      if (state.cost < bestCost) {
        bestCost = state.cost;
        best = Int32Array.from(state.hostOf);
      }
      share = Math.max(evaluations / evaluationsMax, options.elapsedShare?.() ?? 0);
    }
    if (state.cost > bestCost) {
      for (let vm = 0; vm < best.length; vm++) this.#move(vm, best[vm] as number);
      state.recompute();
    }
  }

  #typicalChange(): number {
    const state = this.#state;
    const changes: number[] = [];
    for (let i = 0; i < SAMPLES; i++) {
      const vm = this.#movable[this.#random.below(this.#movable.length)] as number;
      const host = this.#hosts[this.#random.below(this.#hosts.length)] as number;
      if (state.hostOf[vm] === host || !state.canMove(vm, host)) continue;
      const change = Math.abs(state.costOfMove(vm, host) - state.cost);
      if (change > 0) changes.push(change);
    }
    changes.sort((a, b) => a - b);
    return changes[changes.length >> 1] ?? 0;
  }

  #step(): void {
    const kind = this.#random.next();
    const isFull = this.#movedCount >= this.#movesMax;
    if (kind < this.#swapShare) {
      this.#trySwap();
    } else if (kind < this.#chainShare && !isFull) {
      this.#tryChain(this.#someVm(), this.#someHost());
    } else {
      const vm = this.#someVm();
      if (!isFull || this.#placeInMoved[vm] !== -1) this.#tryMove(vm);
      else if (this.#random.next() < 0.5) this.#tryExchange(vm);
      else this.#trySubstitute();
    }
  }

  #someHost(): number {
    return this.#hosts[this.#random.below(this.#hosts.length)] as number;
  }

  /** Where hosts have costs of their own, half of the time a VM of the dearest of three. */
  #someVm(): number {
    const state = this.#state;
    if (state.hostCost !== undefined && this.#random.next() < 0.5) {
      let dearest = -1;
      let highest = -1;
      for (let i = 0; i < 3; i++) {
        const host = this.#someHost();
        const cost = state.hostCost(host);
        if (cost > highest) [dearest, highest] = [host, cost];
      }
      const vm = this.#occupants.pick(dearest, this.#random);
      if (vm >= 0 && state.movable[vm] === 1) return vm;
    }
    return this.#movable[this.#random.below(this.#movable.length)] as number;
  }

  /** Another VM leaves the host for a third one so that this one finds room there. */
  #tryChain(vm: number, host: number): void {
    const state = this.#state;
    if (state.hostOf[vm] === host) return;
    const leaving = this.#occupants.pick(host, this.#random);
    const to = this.#someHost();
    if (leaving < 0 || to === host || this.#movedCount + 2 > this.#movesMax) return;
    if (!state.canMove(leaving, to)) return;
    const before = state.cost;
    this.#move(leaving, to);
    if (state.canMove(vm, host) && this.#accepts(state.costOfMove(vm, host) - before)) {
      this.#move(vm, host);
    } else {
      this.#move(leaving, host);
    }
  }

  #tryMove(vm: number): void {
    const state = this.#state;
    const host = this.#allowedHost(vm);
    if (host < 0) return;
    if (this.#accepts(state.costOfMove(vm, host) - state.cost)) this.#move(vm, host);
  }

  #allowedHost(vm: number): number {
    const state = this.#state;
    for (let attempt = 0; attempt < this.#attempts; attempt++) {
      const host = this.#someHost();
      if (state.hostOf[vm] !== host && state.canMove(vm, host)) return host;
    }
    return -1;
  }

  /** Another VM returns home so that this one may leave. */
  #tryExchange(vm: number): void {
    const host = this.#attempts > 1 ? this.#allowedHost(vm) : this.#someHost();
    if (host < 0 || this.#state.hostOf[vm] === host) return;
    const returning = this.#moved[this.#random.below(this.#movedCount)] as number;
    this.#tryPair(returning, vm, host);
  }

  /** Another VM of the same home takes over the move of one that has moved. */
  #trySubstitute(): void {
    const state = this.#state;
    const returning = this.#moved[this.#random.below(this.#movedCount)] as number;
    const siblings = this.#atHome[state.origin[returning] as number] as Int32Array;
    const vm = siblings[this.#random.below(siblings.length)] as number;
    if (this.#placeInMoved[vm] !== -1) return;
    this.#tryPair(returning, vm, state.hostOf[returning] as number);
  }

  #tryPair(returning: number, vm: number, host: number): void {
    const state = this.#state;
    const before = state.cost;
    const was = state.hostOf[returning] as number;
    const home = state.origin[returning] as number;
    if (!state.canMove(returning, home)) return;
    this.#move(returning, home);
    if (state.canMove(vm, host) && this.#accepts(state.costOfMove(vm, host) - before)) {
      this.#move(vm, host);
    } else {
      this.#move(returning, was);
    }
  }

  #trySwap(): void {
    const state = this.#state;
    const one = this.#movable[this.#random.below(this.#movable.length)] as number;
    const full = this.#movedCount >= this.#movesMax;
    const other = full
      ? (this.#moved[this.#random.below(this.#movedCount)] as number)
      : (this.#movable[this.#random.below(this.#movable.length)] as number);
    const a = state.hostOf[one] as number;
    const b = state.hostOf[other] as number;
    if (a === b) return;
    const { origin, open } = state;
    const movedAfter =
      this.#movedCount +
      Number(origin[one] !== b) -
      Number(origin[one] !== a) +
      Number(origin[other] !== a) -
      Number(origin[other] !== b);
    if (movedAfter > this.#movesMax || open[a] === 0 || open[b] === 0) return;
    if (!state.canSwap(one, other)) return;
    if (!this.#accepts(state.costOfSwap(one, other) - state.cost)) return;
    this.#move(one, b);
    this.#move(other, a);
  }

  #accepts(change: number): boolean {
    return change <= 0 || this.#random.next() < Math.exp(-change / this.#temperature);
  }

  #move(vm: number, host: number): void {
    this.#occupants.move(vm, this.#state.hostOf[vm] as number, host);
    this.#state.move(vm, host);
    this.#noteMoved(vm);
  }

  #noteMoved(vm: number): void {
    const place = this.#placeInMoved[vm] as number;
    const hasMoved = this.#state.hostOf[vm] !== this.#state.origin[vm];
    if (hasMoved && place === -1) {
      this.#placeInMoved[vm] = this.#movedCount;
      this.#moved[this.#movedCount++] = vm;
    } else if (!hasMoved && place !== -1) {
      const last = this.#moved[--this.#movedCount] as number;
      this.#moved[place] = last;
      this.#placeInMoved[last] = place;
      this.#placeInMoved[vm] = -1;
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

/** Who is on each host, as lists that give a random member at once. */
class Occupants {
  readonly #lists: number[][];
  readonly #place: Int32Array;

  constructor(state: SearchState) {
    this.#lists = Array.from({ length: state.hostCount }, () => []);
    this.#place = new Int32Array(state.vmCount);
    state.hostOf.forEach((host, vm) => this.#add(vm, host));
  }

  /** A random VM of the host, or -1. */
  pick(host: number, random: SeededRandom): number {
    const list = this.#lists[host] as number[];
    return list.length === 0 ? -1 : (list[random.below(list.length)] as number);
  }

  move(vm: number, from: number, to: number): void {
    if (from === to) return;
    const list = this.#lists[from] as number[];
    const last = list.pop() as number;
    if (last !== vm) {
      const place = this.#place[vm] as number;
      list[place] = last;
      this.#place[last] = place;
    }
    this.#add(vm, to);
  }

  #add(vm: number, host: number): void {
    const list = this.#lists[host] as number[];
    this.#place[vm] = list.length;
    list.push(vm);
  }
}
