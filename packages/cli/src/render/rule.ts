/** Rules, traits, claims and the policy for people. PURE. */
import { renderSize } from "@muster/model";
import type {
  ClaimView,
  ClusterPolicy,
  GroupRule,
  HostTraits,
  RebalanceStatus,
  RuleView,
  VmRules,
} from "@muster/proto/admin";
import { renderAge, renderDuration } from "../duration.ts";
import { type Paint } from "./style.ts";
import { field, renderFields, renderTable, type Cell } from "./table.ts";

const labelText = (labels: readonly { name: string; value: string }[]): string =>
  labels.map(({ name, value }) => `${name}=${value}`).join(" ");

const said = (word: string, value: string): readonly string[] =>
  value === "" ? [] : [`${word} ${value}`];

/** What a VM is bound to, a phrase each. */
export const ruleWords = (rules: Readonly<VmRules>): readonly string[] => [
  ...said("groups", rules.groups.join(" ")),
  ...said("hosts with", labelText(rules.hostLabels)),
  ...said("pinned to", rules.pinnedTo.join(" ")),
  ...said("environment", rules.environment),
  ...said("pool", rules.pool),
  ...said("tenant", rules.tenant),
  ...said("priority", rules.priority === 0 ? "" : String(rules.priority)),
  ...said("home", rules.home),
];

/** What people say of a host, a phrase each. */
export const traitWords = (traits: Readonly<HostTraits>): readonly string[] => [
  ...said("labels", labelText(traits.labels)),
  ...said("in", traits.failureDomain.join("/")),
  ...said("environment", traits.environment),
  ...said("pool", traits.pool),
  ...said("tenants", traits.tenants.join(" ")),
  ...said("reserved CPUs", traits.cpusReserved === 0 ? "" : String(traits.cpusReserved)),
  ...said(
    "reserved memory",
    traits.memoryReservedBytes === 0n ? "" : renderSize(traits.memoryReservedBytes),
  ),
  ...said("CPU overcommit", traits.cpuOvercommit === 0 ? "" : String(traits.cpuOvercommit)),
  ...said(
    "memory overcommit",
    traits.memoryOvercommit === 0 ? "" : String(traits.memoryOvercommit),
  ),
];

/** "at most 1 of db in one rack". RuleMode: 1 spread, 2 pack. */
export function describeRule({ group, mode, preferred, level, max }: Readonly<GroupRule>): string {
  const wish = preferred ? ", if possible" : "";
  return mode === 2
    ? `all of ${group} in one ${level}${wish}`
    : `at most ${String(max)} of ${group} in one ${level}${wish}`;
}

const keptCell = ({ broken }: RuleView): Cell =>
  broken.length === 0
    ? { text: "yes", tone: "good" }
    : { text: `no: ${String(broken.length)}`, tone: "bad" };

export const renderRules = (rules: readonly RuleView[], paint: Paint): string =>
  renderTable<RuleView>(
    [
      { title: "NAME", cell: ({ rule }) => rule?.name ?? "" },
      { title: "RULE", cell: ({ rule }) => (rule === undefined ? "" : describeRule(rule)) },
      { title: "MEMBERS", align: "right", cell: ({ members }) => String(members.length) },
      { title: "KEPT", cell: keptCell },
    ],
    rules,
    paint,
  );

export function renderRule(view: RuleView, now: Date, paint: Paint): string {
  const { rule, members, broken, createdAt } = view;
  const fields = renderFields(
    [
      field("rule", { text: rule?.name ?? "", tone: "strong" }),
      field("wants", rule === undefined ? "" : describeRule(rule)),
      field("members", members.join(", ")),
      field("created", `${createdAt} (${renderAge(createdAt, now)})`),
    ],
    paint,
  );
  return fields + broken.map((line) => `${paint(`not so now: ${line}`, "bad")}\n`).join("");
}

export const renderClaims = (claims: readonly ClaimView[], now: Date, paint: Paint): string =>
  renderTable<ClaimView>(
    [
      { title: "NAME", cell: ({ name }) => name },
      { title: "HOST", cell: ({ host }) => host },
      { title: "CPUS", align: "right", cell: ({ cpus }) => String(cpus) },
      { title: "MEMORY", align: "right", cell: ({ memoryBytes }) => renderSize(memoryBytes) },
      {
        title: "HELD FOR",
        align: "right",
        cell: ({ expiresAt }) => renderDuration(Math.max(0, Date.parse(expiresAt) - now.getTime())),
      },
      { title: "BY", cell: ({ createdBy }) => createdBy },
    ],
    claims,
    paint,
  );

const percent = (share: number): string => `${(share * 100).toFixed(0)}%`;

export function renderPolicy(
  policy: Readonly<ClusterPolicy>,
  status: Readonly<RebalanceStatus> | undefined,
  paint: Paint,
): string {
  const { surviveLevel, surviveCount, topologyLevels, environments, rebalance } = policy;
  const survive =
    surviveLevel === ""
      ? "no room is kept for losses"
      : `any ${String(surviveCount)} of level ${surviveLevel} may be lost at once`;
  return renderFields(
    [
      field("survive", survive),
      field("topology", [...topologyLevels, "host"].join("/")),
      ...environments.map(({ host, vms }) => field(`on ${host} hosts`, vms.join(", "))),
      ...(rebalance === undefined
        ? []
        : [
            field("rebalance", rebalance.automation),
            field("looks every", renderDuration(rebalance.periodMs)),
            field(
              "proposes when",
              `score above ${String(rebalance.startAbove)}, gain of ${percent(rebalance.gainMin)}, ${String(rebalance.holdPasses)} looks in a row`,
            ),
            field(
              "moves at most",
              `${String(rebalance.movesPerPlanMax)} a plan, ${String(rebalance.movesPerDayMax)} a day, each VM once in ${renderDuration(rebalance.cooldownMs)}`,
            ),
          ]),
      ...(status === undefined ? [] : statusFields(status)),
    ],
    paint,
  );
}

const score = (value: number | undefined): string => (value === undefined ? "" : value.toFixed(4));

const statusFields = (status: Readonly<RebalanceStatus>) => [
  field("last look", status.lookedAt),
  field("found", status.lastResult),
  field("score", score(status.score)),
  field(
    "could be",
    status.scorePossible === undefined
      ? ""
      : `${score(status.scorePossible)} with ${String(status.movesPossible)} moves`,
  ),
  field("moves today", status.lookedAt === "" ? "" : String(status.movesLastDay)),
  field("plan", status.plan),
];
