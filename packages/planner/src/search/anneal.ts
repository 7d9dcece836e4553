import { Arrangement } from "./arrangement.ts";
import { SeededRandom } from "./random.ts";
import { Recreate, type RecreateOptions } from "./recreate.ts";
import type { SearchState } from "./search-state.ts";
import { SingleSteps } from "./single-steps.ts";

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
  /** Share of swaps among the single steps. */
  readonly swapShare?: number;
  /** Share of the candidates that is spent on {@link Recreate}: for arrangements that are nearly full. Default none. */
  readonly recreateShare?: number;
  readonly recreate?: Partial<RecreateOptions>;
  /** Times the state's own {@link SearchState.pull}; default 1. */
  readonly pull?: number;
}

/** How often the best is kept and the caller asked for the time. */
const EPOCHS = 400;

/** At most this many candidates between two such moments: some tenths of a second. */
const EPOCH_MAX = 500_000;

/** Times the median change of a random move that changes anything: hot enough to leave the greedy order, not so hot as to forget it. */
const START_TEMPERATURE = 5;

/** At the end only changes for the better are taken. */
const END_OVER_START = 1 / 1000;

const SWAP_SHARE = 0.2;

/** Enough VMs of enough hosts at once to rearrange them, few enough to do it thousands of times a second. */
const RECREATE: RecreateOptions = { hostsMax: 4, vmsPerHostMax: 8 };

/** Random moves whose changes are looked at to set the temperature. */
const SAMPLES = 5000;

/**
 * Simulated annealing over small and large changes that never leaves the hard rules and never has more than
 * `movesMax` VMs away from home. When the allowance is used up a VM moves only if another returns.
 */
export class Annealer {
  readonly #arrangement: Arrangement;
  readonly #single: SingleSteps;
  readonly #recreate: Recreate;
  readonly #recreateShare: number;
  #spentOnRecreate = 0;
  #spent = 0;

  constructor(state: SearchState, options: AnnealOptions) {
    const { seed, movesMax, pull = 1 } = options;
    const random = new SeededRandom(seed);
    this.#arrangement = new Arrangement(state, { random, movesMax, pull });
    const accepts = (change: number): boolean => this.#accepts(change);
    this.#single = new SingleSteps(this.#arrangement, accepts, options.swapShare ?? SWAP_SHARE);
    this.#recreate = new Recreate(this.#arrangement, { ...RECREATE, ...options.recreate });
    this.#recreateShare = options.recreateShare ?? 0;
  }

  run(options: AnnealOptions): void {
    const { evaluationsMax } = options;
    const { state, movable, hosts, movesMax } = this.#arrangement;
    if (movable.length === 0 || hosts.length < 2 || movesMax === 0) return;
    const start = this.#typicalChange() * (options.startTemperature ?? START_TEMPERATURE);
    if (start === 0) return;
    const epochSize = Math.max(1, Math.floor(Math.min(evaluationsMax / EPOCHS, EPOCH_MAX)));
    let bestCost = state.cost;
    let best = Int32Array.from(state.hostOf);
    for (let share = 0; share < 1;) {
      this.#arrangement.temperature = start * (options.cooling ?? END_OVER_START) ** share;
      for (const end = this.#spent + epochSize; this.#spent < end;) this.#step();
      state.recompute();
      if (state.cost < bestCost) {
        bestCost = state.cost;
        best = Int32Array.from(state.hostOf);
      }
      share = Math.max(this.#spent / evaluationsMax, options.elapsedShare?.() ?? 0);
    }
    if (state.cost > bestCost) {
      best.forEach((host, vm) => this.#arrangement.move(vm, host));
      state.recompute();
    }
  }

  #typicalChange(): number {
    const { state } = this.#arrangement;
    const changes: number[] = [];
    for (let i = 0; i < SAMPLES; i++) {
      const vm = this.#arrangement.someVm();
      const host = this.#arrangement.someHostFor(vm);
      if (host < 0 || state.hostOf[vm] === host) continue;
      const change = Math.abs(state.moveChange(vm, host));
      if (change > 0 && change < Infinity) changes.push(change);
    }
    changes.sort((a, b) => a - b);
    return changes[changes.length >> 1] ?? 0;
  }

  #step(): void {
    if (this.#spentOnRecreate < this.#recreateShare * this.#spent) {
      // The same luck as for a single step, drawn before the change is known.
      const { random, temperature } = this.#arrangement;
      this.#recreate.step(-temperature * Math.log(1 - random.next()));
      this.#spent += this.#recreate.weighed;
      this.#spentOnRecreate += this.#recreate.weighed;
    } else {
      this.#single.step();
      this.#spent++;
    }
  }

  #accepts(change: number): boolean {
    if (change <= 0) return true;
    if (change === Infinity) return false;
    const { random, temperature } = this.#arrangement;
    return random.next() < Math.exp(-change / temperature);
  }
}
