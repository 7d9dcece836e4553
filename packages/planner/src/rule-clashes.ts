/**
 * Rules that cannot hold together, found when they are written rather than when the first VM has no host.
 * Each clash names the pair; what depends on how full hosts are is not a clash.
 */
import { DEFAULT_TOPOLOGY_LEVELS, domainLevels, type DomainLevel } from "./domains.ts";
import type { GroupRule, Snapshot, VmSnapshot } from "./snapshot.ts";

export type RuleClash =
  | { readonly kind: "unknown-level"; readonly rule: string; readonly level: string }
  /** The same VMs must be together at one level and apart at the same or a wider one. */
  | {
      readonly kind: "spread-against-pack";
      readonly rules: readonly [string, string];
      readonly vmIds: readonly string[];
    }
  /** There are not enough domains to spread over. */
  | {
      readonly kind: "too-many-members";
      readonly rule: string;
      readonly members: number;
      readonly domains: number;
      readonly max: number;
    }
  /** No domain of the pack has enough inner domains for the spread. */
  | {
      readonly kind: "spread-inside-pack-too-wide";
      readonly rules: readonly [string, string];
      readonly members: number;
      readonly domains: number;
    }
  /** VMs of a spread that are tied to the same domain, or of a pack that are tied to different ones. */
  | {
      readonly kind: "pinned-against-rule";
      readonly rule: string;
      readonly vmIds: readonly string[];
    }
  | {
      readonly kind: "pinned-nowhere";
      readonly vmId: string;
      readonly pinnedTo: readonly string[];
    };

export function findRuleClashes(snapshot: Snapshot): readonly RuleClash[] {
  const levels = domainLevels(snapshot.hosts, snapshot.topologyLevels ?? DEFAULT_TOPOLOGY_LEVELS);
  const hostIndex = new Map(snapshot.hosts.map((host, index) => [host.id, index]));
  const required = [...(snapshot.rules ?? []), ...apartRules(snapshot)]
    .filter((rule) => rule.strength === "required")
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const known = required.flatMap((rule): Known[] => {
    const level = levels.get(rule.level);
    const members = membersOf(snapshot, rule);
    return level === undefined ? [] : [{ rule, level, members, max: rule.max ?? 1 }];
  });
  const unknown = required
    .filter((rule) => !levels.has(rule.level))
    .map(({ name, level }): RuleClash => ({ kind: "unknown-level", rule: name, level }));
  const depth = [...levels.keys()];
  return [
    ...unknown,
    ...known.flatMap((one) => [...tooMany(one), ...pinnedAgainst(one, hostIndex)]),
    ...known.flatMap((spread) =>
      spread.rule.mode !== "spread"
        ? []
        : known
            .filter((pack) => pack.rule.mode === "pack")
            .flatMap((pack) => spreadAndPack(spread, pack, depth)),
    ),
    ...pinnedNowhere(snapshot, hostIndex),
  ];
}

interface Known {
  readonly rule: GroupRule;
  readonly level: DomainLevel;
  readonly members: readonly VmSnapshot[];
  readonly max: number;
}

function apartRules(snapshot: Snapshot): readonly GroupRule[] {
  const groups = new Set(snapshot.vms.flatMap((vm) => vm.antiAffinity ?? []));
  return [...groups].map((name) => {
    const group = `anti-affinity:${name}`;
    return { name: group, group, mode: "spread", strength: "required", level: "host" };
  });
}

function membersOf(snapshot: Snapshot, rule: GroupRule): readonly VmSnapshot[] {
  return snapshot.vms.filter(
    (vm) =>
      vm.groups?.includes(rule.group) === true ||
      vm.antiAffinity?.some((name) => `anti-affinity:${name}` === rule.group) === true,
  );
}

function tooMany({ rule, level, members, max }: Known): readonly RuleClash[] {
  const domains = level.hostsOfDomain.length;
  return rule.mode === "spread" && members.length > domains * max
    ? [{ kind: "too-many-members", rule: rule.name, members: members.length, domains, max }]
    : [];
}

function spreadAndPack(spread: Known, pack: Known, depth: readonly string[]): readonly RuleClash[] {
  const packed = new Set(pack.members);
  const both = spread.members.filter((vm) => packed.has(vm));
  if (both.length <= spread.max) return [];
  const rules: readonly [string, string] = [spread.rule.name, pack.rule.name];
  // Levels go from the outermost to the host: together in a rack is also together in its row.
  if (depth.indexOf(spread.rule.level) <= depth.indexOf(pack.rule.level)) {
    return [{ kind: "spread-against-pack", rules, vmIds: both.map((vm) => vm.id).sort() }];
  }
  const inner = pack.level.hostsOfDomain.map(
    (hosts) => new Set(hosts.map((host) => spread.level.domainOfHost[host])).size,
  );
  const domains = Math.max(0, ...inner);
  return both.length > domains * spread.max
    ? [{ kind: "spread-inside-pack-too-wide", rules, members: both.length, domains }]
    : [];
}

function pinnedAgainst(
  { rule, level, members, max }: Known,
  hostIndex: ReadonlyMap<string, number>,
): readonly RuleClash[] {
  const byDomain = new Map<number, string[]>();
  for (const vm of members) {
    const domains = new Set(
      (vm.pinnedTo ?? []).flatMap((id) => level.domainOfHost[hostIndex.get(id) ?? -1] ?? []),
    );
    const [only] = domains;
    if (domains.size !== 1 || only === undefined) continue;
    byDomain.set(only, [...(byDomain.get(only) ?? []), vm.id]);
  }
  if (rule.mode === "pack") {
    const vmIds = [...byDomain.values()].flat().sort();
    return byDomain.size > 1 ? [{ kind: "pinned-against-rule", rule: rule.name, vmIds }] : [];
  }
  return [...byDomain.values()]
    .filter((vmIds) => vmIds.length > max)
    .map((vmIds) => ({ kind: "pinned-against-rule", rule: rule.name, vmIds: vmIds.sort() }));
}

function pinnedNowhere(
  snapshot: Snapshot,
  hostIndex: ReadonlyMap<string, number>,
): readonly RuleClash[] {
  return snapshot.vms.flatMap((vm): RuleClash[] => {
    const pinnedTo = vm.pinnedTo ?? [];
    const isLost = pinnedTo.length > 0 && !pinnedTo.some((id) => hostIndex.has(id));
    return isLost ? [{ kind: "pinned-nowhere", vmId: vm.id, pinnedTo }] : [];
  });
}

export function renderRuleClash(clash: RuleClash): string {
  switch (clash.kind) {
    case "unknown-level":
      return `rule ${clash.rule} speaks of level ${clash.level}, which hosts do not have`;
    case "spread-against-pack":
      return `rules ${clash.rules.join(" and ")} clash: ${clash.vmIds.join(", ")} would have to be apart and together`;
    case "too-many-members":
      return `rule ${clash.rule} allows ${clash.max} in each of ${clash.domains} domains, and there are ${clash.members} members`;
    case "spread-inside-pack-too-wide":
      return `rules ${clash.rules.join(" and ")} clash: ${clash.members} members must be together, and no such domain has more than ${clash.domains} to spread over`;
    case "pinned-against-rule":
      return `rule ${clash.rule} clashes with where ${clash.vmIds.join(", ")} are pinned`;
    case "pinned-nowhere":
      return `VM ${clash.vmId} is pinned to ${clash.pinnedTo.join(", ")}, which is no host`;
  }
}
