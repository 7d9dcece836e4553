import { hostAt, type Filter } from "../filter.ts";
import type { Refusal } from "../refusal.ts";
import type { CompiledRule } from "../rule-usage.ts";
import type { ClusterUsage } from "../usage.ts";

/** Names listed in one refusal; beyond this the count says enough. */
const MEMBERS_LISTED_MAX = 10;

/** Required spread and pack rules, at whatever level they speak of. */
export const groupRules: Filter = {
  name: "group-rules",
  applies: (_usage, want) => want.requiredRules.length > 0,
  passes: (usage, want, host) => {
    for (const rule of want.requiredRules) if (!usage.rules.allows(rule, host)) return false;
    return true;
  },
  sieve: (usage, want, hosts) => {
    let left = hosts.length;
    for (const rule of want.requiredRules) left = usage.rules.sieve(rule, hosts.subarray(0, left));
    return left;
  },
  refuse: (usage, want, host) =>
    want.requiredRules
      .filter((rule) => !usage.rules.allows(rule, host))
      .flatMap((index): readonly Refusal[] => {
        const compiled = usage.rules.rules[index];
        if (compiled === undefined) return [];
        const members = membersInTheWay(usage, { compiled, index, host });
        const domain = compiled.level.domainOfHost[host] ?? 0;
        return [
          {
            check: "group-rules",
            rule: compiled.rule.name,
            mode: compiled.rule.mode,
            level: compiled.rule.level,
            domain: compiled.level.domainNames[domain] ?? hostAt(usage, host).name,
            members: members.slice(0, MEMBERS_LISTED_MAX),
            memberCount: members.length,
            max: compiled.max,
          },
        ];
      }),
};

/** Spread: the members in the host's own domain. Pack: the members in all others. */
function membersInTheWay(
  usage: ClusterUsage,
  at: { compiled: CompiledRule; index: number; host: number },
): string[] {
  const { level, rule } = at.compiled;
  const own = level.domainOfHost[at.host];
  const names = new Set<string>();
  level.hostsOfDomain.forEach((hosts, domain) => {
    if ((domain === own) !== (rule.mode === "spread")) return;
    for (const host of hosts) {
      for (const load of usage.occupants(host)) {
        if (load.rules.includes(at.index)) names.add(load.vmName);
      }
    }
  });
  return [...names].sort();
}
