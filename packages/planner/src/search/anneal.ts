import type { Assignment } from "./assignment.ts";
import { SeededRandom } from "./random.ts";

export interface AnnealOptions {
  /** VMs that may end away from their origin. */
  readonly movesMax: number;
  /** Candidates to weigh; with the seed this alone decides the result. */
  readonly evaluationsMax: number;
  readonly seed: number;
  /** Asked now and then; true ends the search early with the best found so far. */
  readonly shouldStop?: (() => boolean) | undefined;
}

/** How often the clock of the caller is asked, and the best is kept. */
const EPOCHS = 400;

/** Times the median change of a random move: hot enough to leave the greedy order, not so hot as to forget it. */
const START_TEMPERATURE = 5;

/** At the end only changes for the better are taken. */
const END_OVER_START = 1 / 1000;

/** Random moves whose changes are looked at to set the temperature. */
const SAMPLES = 500;

/**
 * Simulated annealing over moves, exchanges and swaps that never leaves the hard rules and never has more
 * than `movesMax` VMs away from home. When the allowance is used up a VM moves only if another returns.
 */
export class Annealer {
  readonly #assignment: Assignment;
  readonly #random: SeededRandom;
  readonly #movesMax: number;
  readonly #movable: Int32Array;
  readonly #hosts: Int32Array;
  readonly #moved: Int32Array;
  readonly #placeInMoved: Int32Array;
  #movedCount = 0;
  #temperature = 0;
  readonly #atHome: Int32Array[];

  constructor(assignment: Assignment, options: AnnealOptions) {
    this.#assignment = assignment;
    this.#random = new SeededRandom(options.seed);
    this.#movesMax = options.movesMax;
    const { problem } = assignment;
    this.#movable = indexesWhere(problem.movable);
    this.#hosts = indexesWhere(problem.counted);
    this.#moved = new Int32Array(problem.vmCount);
    this.#placeInMoved = new Int32Array(problem.vmCount).fill(-1);
    const atHome: number[][] = Array.from({ length: problem.hostCount }, () => []);
    for (const vm of this.#movable) atHome[problem.origin[vm] as number]?.push(vm);
    this.#atHome = atHome.map((vms) => Int32Array.from(vms));
    for (const vm of this.#movable) this.#noteMoved(vm);
  }

  run(options: AnnealOptions): void {
    const { evaluationsMax } = options;
    if (this.#movable.length === 0 || this.#hosts.length < 2 || this.#movesMax === 0) return;
    const assignment = this.#assignment;
    const start = this.#typicalChange() * START_TEMPERATURE;
    const end = start * END_OVER_START;
    const epochSize = Math.max(1, Math.floor(evaluationsMax / EPOCHS));
    let bestCost = assignment.cost;
    if (start === 0) return;
    let best = Int32Array.from(assignment.hostOf);
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      this.#temperature = start * (end / start) ** (epoch / (EPOCHS - 1));
      for (let i = 0; i < epochSize; i++) this.#step();
      assignment.recompute();
      if (assignment.cost < bestCost) {
        bestCost = assignment.cost;
        best = Int32Array.from(assignment.hostOf);
      }
      if (options.shouldStop?.() === true) break;
    }
    if (assignment.cost > bestCost) {
      for (let vm = 0; vm < best.length; vm++) this.#move(vm, best[vm] as number);
      assignment.recompute();
    }
  }

  #typicalChange(): number {
    const assignment = this.#assignment;
    const changes: number[] = [];
    for (let i = 0; i < SAMPLES; i++) {
      const vm = this.#movable[this.#random.below(this.#movable.length)] as number;
      const host = this.#hosts[this.#random.below(this.#hosts.length)] as number;
      if (assignment.hostOf[vm] === host || !assignment.canMove(vm, host)) continue;
      changes.push(Math.abs(assignment.costOfMove(vm, host) - assignment.cost));
    }
    changes.sort((a, b) => a - b);
    return changes[changes.length >> 1] ?? 0;
  }

  #step(): void {
    const kind = this.#random.next();
    if (kind < 0.2) {
      this.#trySwap();
      return;
    }
    const vm = this.#movable[this.#random.below(this.#movable.length)] as number;
    const isFull = this.#movedCount >= this.#movesMax && this.#placeInMoved[vm] === -1;
    if (!isFull) this.#tryMove(vm, this.#hosts[this.#random.below(this.#hosts.length)] as number);
    else if (kind < 0.6)
      this.#tryExchange(vm, this.#hosts[this.#random.below(this.#hosts.length)] as number);
    else this.#trySubstitute();
  }

  #tryMove(vm: number, host: number): void {
    const assignment = this.#assignment;
    if (assignment.hostOf[vm] === host || !assignment.canMove(vm, host)) return;
    if (this.#accepts(assignment.costOfMove(vm, host) - assignment.cost)) this.#move(vm, host);
  }

  /** Another VM returns home so that this one may leave. */
  #tryExchange(vm: number, host: number): void {
    const assignment = this.#assignment;
    if (assignment.hostOf[vm] === host) return;
    const returning = this.#moved[this.#random.below(this.#movedCount)] as number;
    this.#tryPair(returning, vm, host);
  }

  /** Another VM of the same home takes over the move of one that has moved. */
  #trySubstitute(): void {
    const assignment = this.#assignment;
    const returning = this.#moved[this.#random.below(this.#movedCount)] as number;
    const siblings = this.#atHome[assignment.problem.origin[returning] as number] as Int32Array;
    const vm = siblings[this.#random.below(siblings.length)] as number;
    if (this.#placeInMoved[vm] !== -1) return;
    this.#tryPair(returning, vm, assignment.hostOf[returning] as number);
  }

  #tryPair(returning: number, vm: number, host: number): void {
    const assignment = this.#assignment;
    const before = assignment.cost;
    const was = assignment.hostOf[returning] as number;
    const home = assignment.problem.origin[returning] as number;
    if (!assignment.canMove(returning, home)) return;
    assignment.move(returning, home);
    if (assignment.canMove(vm, host) && this.#accepts(assignment.costOfMove(vm, host) - before)) {
      this.#noteMoved(returning);
      this.#move(vm, host);
    } else {
      assignment.move(returning, was);
    }
  }

  #trySwap(): void {
    const assignment = this.#assignment;
    const one = this.#movable[this.#random.below(this.#movable.length)] as number;
    const full = this.#movedCount >= this.#movesMax;
    const other = full
      ? (this.#moved[this.#random.below(this.#movedCount)] as number)
      : (this.#movable[this.#random.below(this.#movable.length)] as number);
    const a = assignment.hostOf[one] as number;
    const b = assignment.hostOf[other] as number;
    if (a === b) return;
    const { origin, counted } = assignment.problem;
    const movedAfter =
      this.#movedCount +
      Number(origin[one] !== b) -
      Number(origin[one] !== a) +
      Number(origin[other] !== a) -
      Number(origin[other] !== b);
    if (movedAfter > this.#movesMax || counted[a] === 0 || counted[b] === 0) return;
    if (!assignment.canSwap(one, other)) return;
    if (!this.#accepts(assignment.costOfSwap(one, other) - assignment.cost)) return;
    this.#move(one, b);
    this.#move(other, a);
  }

  #accepts(change: number): boolean {
    return change <= 0 || this.#random.next() < Math.exp(-change / this.#temperature);
  }

  #move(vm: number, host: number): void {
    this.#assignment.move(vm, host);
    this.#noteMoved(vm);
  }

  #noteMoved(vm: number): void {
    const place = this.#placeInMoved[vm] as number;
    const hasMoved = this.#assignment.hasMoved(vm);
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
