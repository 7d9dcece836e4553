import type { BalanceProblem, SearchRule } from "./problem.ts";
import type { SearchState } from "./search-state.ts";

/**
 * A {@link BalanceProblem} with every VM on a host, and its cost kept as running sums: a move is weighed in
 * a few additions whatever the size of the cluster.
 */
export class Assignment implements SearchState {
  readonly problem: BalanceProblem;
  /** By VM. */
  readonly hostOf: Int32Array;
  /** By host, then dimension. */
  readonly used: Float64Array;
  readonly #value: Float64Array;
  readonly #sum: Float64Array;
  readonly #sumOfSquares: Float64Array;
  readonly #members: readonly Int32Array[];
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
    this.#members = problem.rules.map((rule) => new Int32Array(rule.domainCount));
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
    return this.#rulesAllow(vm, host);
  }

  /** Whether two VMs on different hosts could change places. */
  canSwap(one: number, other: number): boolean {
    const hostOfOne = this.hostOf[one] as number;
    const hostOfOther = this.hostOf[other] as number;
    return (
      this.#fitsInPlaceOf(one, other, hostOfOther) &&
      this.#fitsInPlaceOf(other, one, hostOfOne) &&
      this.#rulesAllow(one, hostOfOther) &&
      this.#rulesAllow(other, hostOfOne)
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
    const { problem } = this;
    const host = problem.origin[vm] as number;
    if (problem.counted[host] === 0) this.#penalty += problem.strandedPenalty;
    for (const index of problem.rulesOf[vm] ?? []) {
      const rule = problem.rules[index];
      if (rule !== undefined) this.#penalty += this.#joinPenalty(rule, index, host);
      const members = this.#members[index];
      const domain = rule?.domainOfHost[host] ?? 0;
      if (members !== undefined) members[domain] = (members[domain] as number) + 1;
    }
    this.#accountSums(vm, host, 1);
  }

  #account(vm: number, host: number, sign: 1 | -1): void {
    for (const index of this.problem.rulesOf[vm] as readonly number[]) {
      const domain = (this.problem.rules[index] as SearchRule).domainOfHost[host] as number;
      const members = this.#members[index] as Int32Array;
      members[domain] = (members[domain] as number) + sign;
    }
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

  #rulesAllow(vm: number, host: number): boolean {
    const indexes = this.problem.rulesOf[vm] as readonly number[];
    if (indexes.length === 0) return true;
    const from = this.hostOf[vm] as number;
    for (const index of indexes) {
      const rule = this.problem.rules[index] as SearchRule;
      if (rule.penalty !== Infinity) continue;
      const domain = rule.domainOfHost[host] as number;
      if (domain === rule.domainOfHost[from]) continue;
      const members = this.#members[index] as Int32Array;
      const there = members[domain] as number;
      if (rule.mode === "spread" ? there >= rule.max : there === 0 && othersElsewhere(members)) {
        return false;
      }
    }
    return true;
  }

  #penaltyChange(vm: number, from: number, host: number): number {
    const { problem } = this;
    const origin = problem.origin[vm];
    let change = 0;
    if (problem.counted[from] === 0) change -= problem.strandedPenalty;
    if (from === origin) change += problem.moveCost[vm] as number;
    else if (host === origin) change -= problem.moveCost[vm] as number;
    const indexes = problem.rulesOf[vm] as readonly number[];
    for (const index of indexes) {
      const rule = problem.rules[index] as SearchRule;
      if (rule.penalty === Infinity || rule.domainOfHost[from] === rule.domainOfHost[host])
        continue;
      change += this.#joinPenalty(rule, index, host) - this.#leavePenalty(rule, index, from);
    }
    return change;
  }

  #joinPenalty(rule: SearchRule, index: number, host: number): number {
    if (rule.penalty === Infinity) return 0;
    const there = this.#members[index]?.[rule.domainOfHost[host] as number] ?? 0;
    return (rule.mode === "spread" ? there >= rule.max : there === 0) ? rule.penalty : 0;
  }

  #leavePenalty(rule: SearchRule, index: number, host: number): number {
    const there = this.#members[index]?.[rule.domainOfHost[host] as number] ?? 0;
    return (rule.mode === "spread" ? there > rule.max : there === 1) ? rule.penalty : 0;
  }
}

/** Whether a pack has a member beside the one that would move. */
function othersElsewhere(members: Int32Array): boolean {
  let count = 0;
  for (const inDomain of members) count += inDomain;
  return count > 1;
}
