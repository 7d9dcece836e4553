/** The policy of the whole cluster: which losses it must survive, what may run where, what rebalancing may do. */
import {
  automations,
  DEFAULT_POLICY,
  invalid,
  isPlanOver,
  parseWord,
  type Automation,
  type ClusterPolicy,
  type RebalancePolicy,
} from "@muster/model";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { put } from "../ledger/ledger.ts";
import { movesLastDay } from "../planning/motion-history.ts";
import { refuseNewClashes, unsurvivedLines } from "../planning/rule-checks.ts";
import { wholeOf } from "../planning/cluster-snapshot.ts";
import { REBALANCER } from "../plans/rebalance-status.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** More losses at once than anybody keeps hosts for. */
const SURVIVE_MAX = 100;
const LEVELS_MAX = 16;

export function policyHandlers(parts: ApiParts) {
  return {
    async getPolicy(
      _request: pb.GetPolicyRequest,
      context: CallContext,
    ): Promise<pb.GetPolicyResponse> {
      parts.operatorOf(context);
      return {
        policy: encodePolicy(parts.ledger.view.policy),
        rebalance: encodeRebalanceStatus(parts),
        broken: [...unsurvivedLines(parts.snapshots.take())],
      };
    },

    async setPolicy(
      request: pb.SetPolicyRequest,
      context: CallContext,
    ): Promise<pb.SetPolicyResponse> {
      const operator = parts.operatorOf(context);
      const why = decodeWhy(request.why);
      const policy = await parts.ledger.transact((view) => {
        const next = changePolicy(view.policy, request);
        const before = parts.snapshots.take();
        const { topologyLevels, environments, survive } = next;
        const whole = { ...wholeOf(view), topologyLevels };
        const rules = survive === undefined ? { environments } : { environments, survive };
        refuseNewClashes(before, { ...before, ...whole, policy: rules }, "this policy");
        checkSurvive(next);
        return { changes: why.dryRun ? [] : [put("policy", next)], result: next };
      });
      if (!why.dryRun) {
        const because = why.reason === "" ? "" : `: ${why.reason}`;
        parts.events.record({
          kind: "policy-changed",
          subject: "cluster/policy",
          message: `changed by ${operator}${because}`,
        });
      }
      return { policy: encodePolicy(policy) };
    },
  };
}

function checkSurvive({ survive, topologyLevels }: ClusterPolicy): void {
  if (survive === undefined || survive.level === "host") return;
  if (topologyLevels.includes(survive.level)) return;
  throw invalid(
    "survive_level",
    `there is no level "${survive.level}"`,
    `levels: ${[...topologyLevels, "host"].join(", ")}`,
  );
}

function changePolicy(before: ClusterPolicy, request: pb.SetPolicyRequest): ClusterPolicy {
  const { survive: _survive, ...rest } = before;
  const survive = changeSurvive(before.survive, request);
  return {
    ...rest,
    ...(survive === undefined ? {} : { survive }),
    topologyLevels: changeLevels(before.topologyLevels, request.topologyLevels?.names),
    environments: changeEnvironments(before.environments, request.environments),
    rebalance: changeRebalance(before.rebalance, request),
  };
}

function changeSurvive(
  before: ClusterPolicy["survive"],
  { surviveLevel, surviveCount }: pb.SetPolicyRequest,
): ClusterPolicy["survive"] {
  if (surviveCount > SURVIVE_MAX) {
    throw invalid("survive_count", `at most ${String(SURVIVE_MAX)} are allowed`);
  }
  if (surviveLevel === undefined) {
    if (surviveCount === 0) return before;
    return { level: before?.level ?? "host", count: surviveCount };
  }
  if (surviveLevel === "") return undefined;
  return { level: parseWord(surviveLevel, "survive_level"), count: Math.max(1, surviveCount) };
}

function changeLevels(before: readonly string[], names: readonly string[] | undefined) {
  if (names === undefined) return before;
  if (names.length === 0) return DEFAULT_POLICY.topologyLevels;
  const levels = names.map((name, index) => parseWord(name, `topology_levels[${String(index)}]`));
  if (levels.length > LEVELS_MAX || new Set(levels).size !== levels.length) {
    throw invalid("topology_levels", `different names, at most ${String(LEVELS_MAX)}`);
  }
  if (levels.includes("host")) {
    throw invalid("topology_levels", "host is always the innermost level; leave it out");
  }
  return levels;
}

function changeEnvironments(
  before: ClusterPolicy["environments"],
  changes: readonly pb.EnvironmentRule[],
): ClusterPolicy["environments"] {
  const environments = new Map(Object.entries(before));
  for (const { host, vms } of changes) {
    const name = parseWord(host, "environments.host");
    if (vms.length === 0) environments.delete(name);
    else {
      environments.set(
        name,
        vms.map((vm) => parseWord(vm, "environments.vms")),
      );
    }
  }
  return Object.fromEntries(environments);
}

const isAutomation = (text: string): text is Automation =>
  automations.some((automation) => automation === text);

/** Each limit says what happens beyond it. */
function changeRebalance(before: RebalancePolicy, request: pb.SetPolicyRequest): RebalancePolicy {
  const { automation } = request;
  if (automation !== undefined && !isAutomation(automation)) {
    throw invalid("automation", `"${automation}"`, `one of: ${automations.join(", ")}`);
  }
  const within = (
    name: Exclude<keyof RebalancePolicy, "automation">,
    [min, max]: readonly [number, number],
  ): number => {
    const value = request[name];
    if (value === undefined) return before[name];
    if (value >= min && value <= max) return value;
    throw invalid(name, `${String(value)} is not within ${String(min)} to ${String(max)}`);
  };
  return {
    automation: automation ?? before.automation,
    // More often, and a plan is made of measurements that have not settled.
    periodMs: within("periodMs", [MINUTE_MS, DAY_MS]),
    gainMin: within("gainMin", [0, 1]),
    startAbove: within("startAbove", [0, 1_000]),
    holdPasses: within("holdPasses", [1, 100]),
    cooldownMs: within("cooldownMs", [0, 30 * DAY_MS]),
    movesPerDayMax: within("movesPerDayMax", [0, 1_000_000]),
    movesPerPlanMax: within("movesPerPlanMax", [1, 10_000]),
  };
}

export const encodePolicy = (policy: ClusterPolicy): pb.ClusterPolicy => ({
  surviveLevel: policy.survive?.level ?? "",
  surviveCount: policy.survive?.count ?? 0,
  topologyLevels: [...policy.topologyLevels],
  environments: Object.entries(policy.environments).map(([host, vms]) => ({ host, vms: [...vms] })),
  rebalance: { ...policy.rebalance },
});

export function encodeRebalanceStatus({ ledger, rebalancer, clock }: ApiParts): pb.RebalanceStatus {
  const { view } = ledger;
  const status = rebalancer.status();
  const plan = [...view.plans.values()].findLast(
    ({ kind, createdBy, state }) =>
      kind === "rebalance" && createdBy === REBALANCER && !isPlanOver(state),
  );
  return {
    automation: view.policy.rebalance.automation,
    lastResult: status.lastResult,
    lookedAt: status.lookedAt,
    score: status.score,
    scorePossible: status.scorePossible,
    movesPossible: status.movesPossible,
    heldPasses: status.heldPasses,
    movesLastDay: movesLastDay(view, clock.wall().getTime()),
    plan: plan === undefined ? "" : `${plan.id} (${plan.state})`,
  };
}
