import type { BalanceProblem, SearchRule } from "./problem.ts";

/** How many members each group rule has in each of its domains, and what it says to one more or one less. */
export class RuleMembers {
  readonly #rules: readonly SearchRule[];
  readonly #rulesOf: readonly (readonly number[])[];
  readonly #members: readonly Int32Array[];
  /** By rule: members that are somewhere. */
  readonly #count: Int32Array;

  constructor(problem: BalanceProblem) {
    this.#rules = problem.rules;
    this.#rulesOf = problem.rulesOf;
    this.#members = problem.rules.map((rule) => new Int32Array(rule.domainCount));
    this.#count = new Int32Array(problem.rules.length);
  }

  /** Whether every required rule lets the VM go from one host to another; `from` -1 for a VM that is nowhere. */
  allows(vm: number, from: number, host: number): boolean {
    const indexes = this.#rulesOf[vm] as readonly number[];
    for (let i = 0; i < indexes.length; i++) {
      const index = indexes[i] as number;
      const rule = this.#rules[index] as SearchRule;
      if (rule.penalty !== Infinity) continue;
      const domain = rule.domainOfHost[host] as number;
      if (from >= 0 && domain === rule.domainOfHost[from]) continue;
      const there = (this.#members[index] as Int32Array)[domain] as number;
      const others = (this.#count[index] as number) - (from >= 0 ? 1 : 0);
      if (rule.mode === "spread" ? there >= rule.max : there === 0 && others > 0) return false;
    }
    return true;
  }

  /** What preferred rules say to a move. */
  moveChange(vm: number, from: number, host: number): number {
    const indexes = this.#rulesOf[vm] as readonly number[];
    let change = 0;
    for (let i = 0; i < indexes.length; i++) {
      const index = indexes[i] as number;
      const rule = this.#rules[index] as SearchRule;
      if (rule.penalty === Infinity || rule.domainOfHost[from] === rule.domainOfHost[host])
        continue;
      change += this.#joinPenalty(rule, index, host) - this.#leavePenalty(rule, index, from);
    }
    return change;
  }

  /** What preferred rules say to one more on the host. */
  joinPenalty(vm: number, host: number): number {
    const indexes = this.#rulesOf[vm] as readonly number[];
    let penalty = 0;
    for (let i = 0; i < indexes.length; i++) {
      const index = indexes[i] as number;
      penalty += this.#joinPenalty(this.#rules[index] as SearchRule, index, host);
    }
    return penalty;
  }

  add(vm: number, host: number): void {
    this.#account(vm, host, 1);
  }

  remove(vm: number, host: number): void {
    this.#account(vm, host, -1);
  }

  #account(vm: number, host: number, sign: 1 | -1): void {
    const indexes = this.#rulesOf[vm] as readonly number[];
    for (let i = 0; i < indexes.length; i++) {
      const index = indexes[i] as number;
      const domain = (this.#rules[index] as SearchRule).domainOfHost[host] as number;
      const members = this.#members[index] as Int32Array;
      members[domain] = (members[domain] as number) + sign;
      this.#count[index] = (this.#count[index] as number) + sign;
    }
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
