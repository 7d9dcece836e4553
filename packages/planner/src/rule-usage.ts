import type { DomainLevel } from "./domains.ts";
import type { GroupRule, Snapshot, VmShape } from "./snapshot.ts";

/** How many members of each group rule are in each failure domain. */
export class RuleUsage {
  readonly rules: readonly CompiledRule[];
  readonly #byGroup = new Map<string, number[]>();

  constructor(snapshot: Snapshot, levels: ReadonlyMap<string, DomainLevel>) {
    const rules: CompiledRule[] = [];
    for (const rule of allRules(snapshot)) {
      const level = levels.get(rule.level);
      if (level === undefined) {
        const known = [...levels.keys()].join(", ");
        throw new Error(
          `rule ${rule.name} speaks of level ${rule.level}; the levels are ${known}`,
        );
      }
      const members = this.#byGroup.get(rule.group) ?? [];
      members.push(rules.length);
      this.#byGroup.set(rule.group, members);
      rules.push({
        rule,
        level,
        max: rule.max ?? 1,
        counts: new Int32Array(level.hostsOfDomain.length),
        total: new Int32Array(1),
      });
    }
    this.rules = rules;
  }

  /** Indexes of the rules that bind a VM. */
  rulesOf(vm: VmShape): readonly number[] {
    const indexes = new Set<number>();
    for (const group of vm.groups ?? []) {
      for (const index of this.#byGroup.get(group) ?? []) indexes.add(index);
    }
    for (const group of vm.antiAffinity ?? []) {
      for (const index of this.#byGroup.get(apartGroup(group)) ?? []) indexes.add(index);
    }
    return [...indexes].sort((a, b) => a - b);
  }

  account(rules: readonly number[], host: number, sign: 1 | -1): void {
    for (const index of rules) {
      const compiled = this.rules[index];
      if (compiled === undefined) continue;
      const domain = compiled.level.domainOfHost[host] ?? 0;
      compiled.counts[domain] = (compiled.counts[domain] ?? 0) + sign;
      compiled.total[0] = (compiled.total[0] ?? 0) + sign;
    }
  }

  /** Whether one more member may join the domain of `host`. */
  allows(index: number, host: number): boolean {
    const compiled = this.rules[index];
    if (compiled === undefined) return true;
    const inDomain = compiled.counts[compiled.level.domainOfHost[host] ?? 0] ?? 0;
    if (compiled.rule.mode === "spread") return inDomain < compiled.max;
    return inDomain > 0 || compiled.total[0] === 0;
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

const apartGroup = (group: string): string => `anti-affinity:${group}`;

/** The written rules and, for each `antiAffinity` name in use, the spread over hosts that it stands for. */
function allRules(snapshot: Snapshot): readonly GroupRule[] {
  const apart = new Set<string>();
  for (const vm of [...snapshot.vms, ...snapshot.claims]) {
    for (const group of vm.antiAffinity ?? []) apart.add(group);
  }
  const implied = [...apart].sort().map((group): GroupRule => {
    const name = apartGroup(group);
    return { name, group: name, mode: "spread", strength: "required", level: "host" };
  });
  const written = (snapshot.rules ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return [...written, ...implied];
}
