import type { BalanceProblem } from "./problem.ts";
import { RuleMembers } from "./rule-members.ts";
import type { SearchState } from "./search-state.ts";

/**
 * A {@link BalanceProblem} with every VM on a host, and its cost kept as running sums: a move is weighed in
 * a few additions whatever the size of the cluster.
 */
export class Assignment implements SearchState {
  readonly problem: BalanceProblem;
  /** The cost goes up and down with evenness. */
  readonly costOnlyGrows = false;
  readonly sizes: readonly Float64Array[];
  /** Whatever a move costs is in the cost. */
  readonly pull: Float64Array;
  /** By VM; -1 while it is taken out. */
  readonly hostOf: Int32Array;
  /** By host, then dimension. */
  readonly used: Float64Array;
  readonly #value: Float64Array;
  readonly #sum: Float64Array;
  readonly #sumOfSquares: Float64Array;
  readonly #rules: RuleMembers;
  /** By class: open hosts that its VMs may use. */
  readonly #hostsOfClass: readonly Int32Array[];
  readonly #countedHosts: number;
  #penalty = 0;
  #movedCount = 0;
  #cost = 0;
  readonly #startCost: number;

  constructor(problem: BalanceProblem) {
    this.problem = problem;
    this.hostOf = Int32Array.from(problem.origin);
    this.used = new Float64Array(problem.hostCount * problem.dimensionCount);
    this.#value = Float64Array.from(problem.termBase);
    this.#sum = new Float64Array(problem.termCount);
    this.#sumOfSquares = new Float64Array(problem.termCount);
    this.#rules = new RuleMembers(problem);
    this.#hostsOfClass = hostsOfClasses(problem);
    this.sizes = [sizesOf(problem)];
    this.pull = new Float64Array(problem.vmCount);
    this.#countedHosts = problem.counted.reduce((count, isCounted) => count + isCounted, 0);
    for (let vm = 0; vm < problem.vmCount; vm++) this.#addAtOrigin(vm);
    this.recompute();
    this.#startCost = this.#cost;
  }

  /** The cost at the start, with every VM at its origin. */
  get startCost(): number {
    return this.#startCost;
  }

  get vmCount(): number {
    return this.problem.vmCount;
  }

  get hostCount(): number {
    return this.problem.hostCount;
  }

  get origin(): Int32Array {
    return this.problem.origin;
  }

  get movable(): Uint8Array {
    return this.problem.movable;
  }

  get open(): Uint8Array {
    return this.problem.counted;
  }

  get cost(): number {
    return this.#cost;
  }

  /** VMs that are not where they began. */
  get movedCount(): number {
    return this.#movedCount;
  }

  hasMoved(vm: number): boolean {
    return this.hostOf[vm] !== this.problem.origin[vm];
  }

  hostsFor(vm: number): Int32Array {
    return this.#hostsOfClass[this.problem.classOf[vm] as number] as Int32Array;
  }

  /** Whether every hard rule lets the VM go to `host` as things stand. */
  canMove(vm: number, host: number): boolean {
    const { problem, used } = this;
    if (problem.counted[host] === 0 || problem.movable[vm] === 0) return false;
    if (problem.allowed[(problem.classOf[vm] as number) * problem.hostCount + host] === 0)
      return false;
    const dimensions = problem.dimensionCount;
    const at = host * dimensions;
    const of = vm * dimensions;
    for (let d = 0; d < dimensions; d++) {
      const need = problem.need[of + d] as number;
      if (need > 0 && (used[at + d] as number) + need > (problem.capacity[at + d] as number))
        return false;
    }
    return this.#rules.allows(vm, this.hostOf[vm] as number, host);
  }

  moveChange(vm: number, host: number): number {
    return this.canMove(vm, host) ? this.costOfMove(vm, host) - this.#cost : Infinity;
  }

  swapChange(one: number, other: number): number {
    return this.canSwap(one, other) ? this.costOfSwap(one, other) - this.#cost : Infinity;
  }

  joinChange(vm: number, host: number): number {
    return this.canMove(vm, host) ? this.#costOfJoin(vm, host) - this.#cost : Infinity;
  }

  /** Whether two VMs on different hosts could change places. */
  canSwap(one: number, other: number): boolean {
    const hostOfOne = this.hostOf[one] as number;
    const hostOfOther = this.hostOf[other] as number;
    return (
      this.#fitsInPlaceOf(one, other, hostOfOther) &&
      this.#fitsInPlaceOf(other, one, hostOfOne) &&
      this.#rules.allows(one, hostOfOne, hostOfOther) &&
      this.#rules.allows(other, hostOfOther, hostOfOne)
    );
  }

  /** What the cost would become if the VM went to `host`. */
  costOfMove(vm: number, host: number): number {
    const { problem } = this;
    const terms = problem.termCount;
    const from = this.hostOf[vm] as number;
    const fromCounted = problem.counted[from] === 1;
    const count = this.#countedHosts;
    let cost = this.#penalty + this.#penaltyChange(vm, from, host);
    for (let t = 0; t < terms; t++) {
      const amount = problem.termAmount[vm * terms + t] as number;
      const gained = amount * (problem.termScale[host * terms + t] as number);
      let sum = (this.#sum[t] as number) + gained;
      let squares =
        (this.#sumOfSquares[t] as number) +
        gained * (2 * (this.#value[host * terms + t] as number) + gained);
      if (fromCounted) {
        const lost = amount * (problem.termScale[from * terms + t] as number);
        sum -= lost;
        squares -= lost * (2 * (this.#value[from * terms + t] as number) - lost);
      }
      const mean = sum / count;
      const variance = squares / count - mean * mean;
      if (variance > 0) cost += (problem.termWeight[t] as number) * Math.sqrt(variance);
    }
    return cost;
  }

  #costOfJoin(vm: number, host: number): number {
    const { problem } = this;
    const terms = problem.termCount;
    const count = this.#countedHosts;
    let cost = this.#penalty + this.#joinPenalty(vm, host);
    for (let t = 0; t < terms; t++) {
      const at = host * terms + t;
      const gained =
        (problem.termAmount[vm * terms + t] as number) * (problem.termScale[at] as number);
      const mean = ((this.#sum[t] as number) + gained) / count;
      const squares =
        (this.#sumOfSquares[t] as number) + gained * (2 * (this.#value[at] as number) + gained);
      const variance = squares / count - mean * mean;
      if (variance > 0) cost += (problem.termWeight[t] as number) * Math.sqrt(variance);
    }
    return cost;
  }

  /** What the cost would become if the two changed places; both hosts must be counted. */
  costOfSwap(one: number, other: number): number {
    const { problem } = this;
    const terms = problem.termCount;
    const a = this.hostOf[one] as number;
    const b = this.hostOf[other] as number;
    const count = this.#countedHosts;
    let cost = this.#penalty + this.#penaltyChange(one, a, b) + this.#penaltyChange(other, b, a);
    for (let t = 0; t < terms; t++) {
      const difference =
        (problem.termAmount[one * terms + t] as number) -
        (problem.termAmount[other * terms + t] as number);
      const lost = difference * (problem.termScale[a * terms + t] as number);
      const gained = difference * (problem.termScale[b * terms + t] as number);
      const sum = (this.#sum[t] as number) + gained - lost;
      const squares =
        (this.#sumOfSquares[t] as number) +
        gained * (2 * (this.#value[b * terms + t] as number) + gained) -
        lost * (2 * (this.#value[a * terms + t] as number) - lost);
      const mean = sum / count;
      const variance = squares / count - mean * mean;
      if (variance > 0) cost += (problem.termWeight[t] as number) * Math.sqrt(variance);
    }
    return cost;
  }

  /** Moves the VM without asking whether it may. */
  move(vm: number, host: number): void {
    const from = this.hostOf[vm] as number;
    if (from === host) return;
    this.#penalty += this.#penaltyChange(vm, from, host);
    const origin = this.problem.origin[vm];
    if (from === origin) this.#movedCount++;
    else if (host === origin) this.#movedCount--;
    this.#account(vm, from, -1);
    this.#account(vm, host, 1);
    this.hostOf[vm] = host;
    this.#cost = this.#costNow();
  }

  take(vm: number): void {
    const from = this.hostOf[vm] as number;
    this.#account(vm, from, -1);
    this.#penalty -= this.#joinPenalty(vm, from);
    if (from !== this.problem.origin[vm]) this.#movedCount--;
    this.hostOf[vm] = -1;
    this.#cost = this.#costNow();
  }

  put(vm: number, host: number): void {
    this.#penalty += this.#joinPenalty(vm, host);
    this.#account(vm, host, 1);
    if (host !== this.problem.origin[vm]) this.#movedCount++;
    this.hostOf[vm] = host;
    this.#cost = this.#costNow();
  }

  /** Every rule is judged as VMs are put back. */
  isSettled(): boolean {
    return true;
  }

  /** Adds everything up afresh, which clears what rounding has left in the running sums. */
  recompute(): void {
    const { problem } = this;
    this.#sum.fill(0);
    this.#sumOfSquares.fill(0);
    for (let host = 0; host < problem.hostCount; host++) {
      if (problem.counted[host] === 0) continue;
      for (let t = 0; t < problem.termCount; t++) {
        const value = this.#value[host * problem.termCount + t] as number;
        this.#sum[t] = (this.#sum[t] as number) + value;
        this.#sumOfSquares[t] = (this.#sumOfSquares[t] as number) + value * value;
      }
    }
    this.#cost = this.#costNow();
  }

  #addAtOrigin(vm: number): void {
    const host = this.problem.origin[vm] as number;
    this.#penalty += this.#joinPenalty(vm, host);
    this.#account(vm, host, 1);
  }

  #account(vm: number, host: number, sign: 1 | -1): void {
    if (sign === 1) this.#rules.add(vm, host);
    else this.#rules.remove(vm, host);
    this.#accountSums(vm, host, sign);
  }

  #accountSums(vm: number, host: number, sign: 1 | -1): void {
    const { problem, used } = this;
    const dimensions = problem.dimensionCount;
    for (let d = 0; d < dimensions; d++) {
      const at = host * dimensions + d;
      used[at] = (used[at] as number) + sign * (problem.need[vm * dimensions + d] as number);
    }
    const terms = problem.termCount;
    const isCounted = problem.counted[host] === 1;
    for (let t = 0; t < terms; t++) {
      const at = host * terms + t;
      const old = this.#value[at] as number;
      const value =
        old +
        sign * (problem.termAmount[vm * terms + t] as number) * (problem.termScale[at] as number);
      this.#value[at] = value;
      if (!isCounted) continue;
      this.#sum[t] = (this.#sum[t] as number) + value - old;
      this.#sumOfSquares[t] = (this.#sumOfSquares[t] as number) + value * value - old * old;
    }
  }

  #costNow(): number {
    const count = this.#countedHosts;
    let cost = this.#penalty;
    for (let t = 0; t < this.problem.termCount; t++) {
      const mean = (this.#sum[t] as number) / count;
      const variance = (this.#sumOfSquares[t] as number) / count - mean * mean;
      if (variance > 0) cost += (this.problem.termWeight[t] as number) * Math.sqrt(variance);
    }
    return cost;
  }

  #fitsInPlaceOf(vm: number, leaver: number, host: number): boolean {
    const { problem, used } = this;
    if (problem.counted[host] === 0 || problem.movable[vm] === 0) return false;
    if (problem.allowed[(problem.classOf[vm] as number) * problem.hostCount + host] === 0)
      return false;
    const dimensions = problem.dimensionCount;
    for (let d = 0; d < dimensions; d++) {
      const at = host * dimensions + d;
      const grows =
        (problem.need[vm * dimensions + d] as number) -
        (problem.need[leaver * dimensions + d] as number);
      if (grows > 0 && (used[at] as number) + grows > (problem.capacity[at] as number))
        return false;
    }
    return true;
  }

  #penaltyChange(vm: number, from: number, host: number): number {
    const { problem } = this;
    const origin = problem.origin[vm];
    let change = this.#rules.moveChange(vm, from, host);
    if (problem.counted[from] === 0) change -= problem.strandedPenalty;
    if (from === origin) change += problem.moveCost[vm] as number;
    else if (host === origin) change -= problem.moveCost[vm] as number;
    return change;
  }

  /** What a VM that is nowhere costs on a host, evenness apart. */
  #joinPenalty(vm: number, host: number): number {
    const { problem } = this;
    const stranded = problem.counted[host] === 0 ? problem.strandedPenalty : 0;
    const away = host === problem.origin[vm] ? 0 : (problem.moveCost[vm] as number);
    return stranded + away + this.#rules.joinPenalty(vm, host);
  }
}

/** Share of an average host that a VM takes, its largest dimension counted. */
function sizesOf(problem: BalanceProblem): Float64Array {
  const { vmCount, hostCount, dimensionCount: dimensions, need, capacity } = problem;
  const total = new Float64Array(dimensions);
  for (let at = 0; at < hostCount * dimensions; at++) {
    total[at % dimensions] = (total[at % dimensions] as number) + (capacity[at] as number);
  }
  const sizes = new Float64Array(vmCount);
  for (let at = 0; at < vmCount * dimensions; at++) {
    const all = total[at % dimensions] as number;
    const share = all > 0 ? (need[at] as number) / all : 0;
    const vm = Math.floor(at / dimensions);
    sizes[vm] = Math.max(sizes[vm] as number, share);
  }
  return sizes;
}

function hostsOfClasses(problem: BalanceProblem): readonly Int32Array[] {
  const { hostCount, allowed, counted } = problem;
  const classes = hostCount === 0 ? 0 : allowed.length / hostCount;
  return Array.from({ length: classes }, (_, index) => {
    const hosts: number[] = [];
    for (let host = 0; host < hostCount; host++) {
      if (allowed[index * hostCount + host] === 1 && counted[host] === 1) hosts.push(host);
    }
    return Int32Array.from(hosts);
  });
}
