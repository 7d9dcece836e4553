/** Rules against each other, and against where VMs are: checked when a rule is written. Pure. */
import { MusterError } from "@muster/model";
import {
  findRuleClashes,
  openPlanner,
  renderRefusal,
  renderRuleClash,
  type CheckName,
  type GroupRule,
  type RuleClash,
  type Snapshot,
  type VmSnapshot,
} from "@muster/planner";

/**
 * Refuses a change that makes rules clash. Clashes that were there before do not stand in the way: the change may be
 * what mends one of several.
 * @throws MusterError `invalid` with each clash, its pair and its numbers.
 */
export function refuseNewClashes(before: Snapshot, after: Snapshot, what: string): void {
  const old = new Set(clashLines(before));
  const clashes = clashLines(after).filter((line) => !old.has(line));
  if (clashes.length === 0) return;
  const one = clashes.length === 1 ? "a clash" : `${String(clashes.length)} clashes`;
  throw new MusterError("wrong-state", `${what} would make ${one} of rules`, {
    reasons: clashes,
    hint: "change or remove one of each pair first: muster rule ls, muster vm show",
  });
}

/** Rules that cannot hold together now. */
export const clashLines = (snapshot: Snapshot): readonly string[] =>
  findRuleClashes(snapshot).map((clash) => renderRuleClash(named(snapshot, clash)));

/** VMs and hosts by name, as people know them. */
function named(snapshot: Snapshot, clash: RuleClash): RuleClash {
  const vmName = (id: string): string => snapshot.vms.find((vm) => vm.id === id)?.name ?? id;
  const hostName = (id: string): string =>
    snapshot.hosts.find((host) => host.id === id)?.name ?? id;
  if ("vmIds" in clash) return { ...clash, vmIds: clash.vmIds.map(vmName) };
  if (clash.kind === "pinned-nowhere") {
    return {
      ...clash,
      vmId: vmName(clash.vmId),
      pinnedTo: clash.pinnedTo.map(hostName),
    };
  }
  return clash;
}

/** Checks that a rule or a trait can break; how full a host is, is another matter. */
const RULE_CHECKS: ReadonlySet<CheckName> = new Set([
  "pinned",
  "pool",
  "tenant",
  "environment",
  "host-labels",
  "group-rules",
]);

/** What rules say against where these VMs are now, a sentence each. Nothing is moved for it. */
export function brokenLines(snapshot: Snapshot, vmIds: readonly string[]): readonly string[] {
  const wanted = new Set(vmIds);
  const planner = openPlanner(snapshot);
  const names = new Map(snapshot.hosts.map((host) => [host.id, host.name]));
  return snapshot.vms
    .filter((vm) => wanted.has(vm.id))
    .flatMap((vm) => {
      const { hostId } = vm;
      if (hostId === undefined) return [];
      const host = names.get(hostId) ?? hostId;
      return planner
        .whyNot({ vm }, hostId)
        .filter(({ check }) => RULE_CHECKS.has(check))
        .map((refusal) => `${vm.name} on ${host}: ${renderRefusal(refusal)}`);
    });
}

/** How one group rule is broken by where its members are now. */
export function brokenRuleLines(
  snapshot: Snapshot,
  rule: GroupRule,
  members: readonly VmSnapshot[],
): readonly string[] {
  const planner = openPlanner({ ...snapshot, rules: [{ ...rule, strength: "required" }] });
  return members.flatMap((vm) =>
    (vm.hostId === undefined ? [] : planner.whyNot({ vm }, vm.hostId))
      .filter((refusal) => refusal.check === "group-rules" && refusal.rule === rule.name)
      .map((refusal) => `${vm.name}: ${renderRefusal(refusal)}`),
  );
}

/** The failures that would leave VMs without room now, a sentence each; nothing when no policy speaks of them. */
export function unsurvivedLines(snapshot: Snapshot): readonly string[] {
  if (snapshot.policy?.survive === undefined) return [];
  const { level } = snapshot.policy.survive;
  const broken = openPlanner(snapshot).usage.survival?.broken() ?? [];
  return broken.map(
    ({ domain, stranded }) =>
      `${level} ${domain} lost: VM ${stranded.vmName} (${String(stranded.cpus)} CPUs, ${String(Math.round(stranded.memoryMiB))} MiB) would have nowhere to go`,
  );
}
