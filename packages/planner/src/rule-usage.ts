import type { DomainLevel } from "./domains.ts";
import type { ScoreTable } from "./scorer.ts";
import type { GroupRule, VmShape } from "./snapshot.ts";

const NONE: readonly number[] = [];

/** How many members of each group rule are in each failure domain. */
export class RuleUsage {
  readonly #rules: CompiledRule[] = [];
  readonly #byGroup = new Map<string, number[]>();
  readonly #levels: ReadonlyMap<string, DomainLevel>;

  /** @throws Error when a rule speaks of a level that the snapshot does not have. */
  constructor(rules: readonly GroupRule[], levels: ReadonlyMap<string, DomainLevel>) {
    this.#levels = levels;
    for (const rule of rules.toSorted((a, b) => (a.name < b.name ? -1 : 1))) this.#add(rule);
  }

  get rules(): readonly CompiledRule[] {
    return this.#rules;
  }

  /** Indexes of the rules that bind a VM. */
  rulesOf(vm: VmShape): readonly number[] {
    if (vm.groups === undefined && vm.antiAffinity === undefined) return NONE;
    const indexes = new Set<number>();
    for (const group of vm.groups ?? []) {
      for (const index of this.#byGroup.get(group) ?? []) indexes.add(index);
    }
    for (const name of vm.antiAffinity ?? []) {
      // The spread over hosts that an `antiAffinity` name stands for exists from its first use.
      const group = `anti-affinity:${name}`;
      const known =
        this.#byGroup.get(group)?.[0] ??
        this.#add({ name: group, group, mode: "spread", strength: "required", level: "host" });
      indexes.add(known);
    }
    return [...indexes].sort((a, b) => a - b);
  }

  account(rules: readonly number[], host: number, sign: 1 | -1): void {
    for (const index of rules) {
      const compiled = this.#rules[index];
      if (compiled === undefined) continue;
      const domain = compiled.level.domainOfHost[host] ?? 0;
      compiled.counts[domain] = (compiled.counts[domain] ?? 0) + sign;
      compiled.total[0] = (compiled.total[0] ?? 0) + sign;
    }
  }

  /** Whether one more member may join the domain of `host`. */
  allows(index: number, host: number): boolean {
    const compiled = this.#rules[index];
    if (compiled === undefined) return true;
    const inDomain = compiled.counts[compiled.level.domainOfHost[host] ?? 0] ?? 0;
    if (compiled.rule.mode === "spread") return inDomain < compiled.max;
    return inDomain > 0 || compiled.total[0] === 0;
  }

  /** {@link allows} for many hosts: moves those that pass to the front in their order, returns how many they are. */
  sieve(index: number, hosts: Int32Array): number {
    const compiled = this.#rules[index];
    if (compiled === undefined) return hosts.length;
    const { counts, level, max, rule } = compiled;
    const { domainOfHost } = level;
    // A pack rule without members allows all; a spread rule wants fewer than its limit, a pack rule some.
    const isFree = rule.mode === "pack" && compiled.total[0] === 0;
    const [least, below] =
      rule.mode === "spread" || isFree ? [0, isFree ? Infinity : max] : [1, Infinity];
    let kept = 0;
    for (let i = 0; i < hosts.length; i++) {
      const host = hosts[i] as number;
      const count = counts[domainOfHost[host] as number] as number;
      if (count >= least && count < below) hosts[kept++] = host;
    }
    return kept;
  }

  /** Adds `weight` to the score of each candidate whose domain one more member may not join. */
  addBroken(index: number, into: ScoreTable): void {
    const { candidates, scores, weight } = into;
    for (let i = 0; i < candidates.length; i++) {
      if (!this.allows(index, candidates[i] as number)) scores[i] = (scores[i] as number) + weight;
    }
  }

  #add(rule: GroupRule): number {
    const level = this.#levels.get(rule.level);
    if (level === undefined) {
      const known = [...this.#levels.keys()].join(", ");
      throw new Error(`rule ${rule.name} speaks of level ${rule.level}; the levels are ${known}`);
    }
    const index = this.#rules.length;
    this.#byGroup.set(rule.group, [...(this.#byGroup.get(rule.group) ?? []), index]);
    this.#rules.push({
      rule,
      level,
      max: rule.max ?? 1,
      counts: new Int32Array(level.hostsOfDomain.length),
      total: new Int32Array(1),
    });
    return index;
  }
}

export interface CompiledRule {
  readonly rule: GroupRule;
  readonly level: DomainLevel;
  readonly max: number;
  /** Members by domain index. */
  readonly counts: Int32Array;
  /** One element: members in all domains. */
  readonly total: Int32Array;
}
