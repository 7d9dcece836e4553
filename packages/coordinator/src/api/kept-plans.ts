/** Kept plans: list, show, approve, cancel, run. */
import { invalid, MIB, MusterError, type KeptMove, type PlanRecord } from "@muster/model";
import { judgeMoves } from "@muster/planner";
import * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { put } from "../ledger/ledger.ts";
import { findPlan, type LedgerView } from "../ledger/view.ts";
import { acceptPlanRun, checkMayRun, type RunRequest } from "../operations/accept-plan-run.ts";
import { changedSince } from "../operations/plan-progress.ts";
import { endPlan } from "../plans/keep-plan.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";
import { encodeNow } from "./vm-requests.ts";

/** With more VMs the score is worked out on a thread, when the plan runs; here it would hold everybody up. */
const JUDGED_VMS_MAX = 500;

export function keptPlanHandlers(parts: ApiParts) {
  return {
    async listPlans(
      request: pb.ListPlansRequest,
      context: CallContext,
    ): Promise<pb.ListPlansResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const plans = [...view.plans.values()]
        .filter(({ endedAt }) => !request.open || endedAt === undefined)
        .toReversed();
      return { plans: plans.map((plan) => encodePlan(plan, view)) };
    },

    async getPlan(request: pb.GetPlanRequest, context: CallContext): Promise<pb.GetPlanResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const plan = findPlan(view, request.plan);
      const lines = request.check ? checkLines(plan, parts) : [];
      return { plan: encodePlan(plan, view), lines: [...lines] };
    },

    async changePlan(
      request: pb.ChangePlanRequest,
      context: CallContext,
    ): Promise<pb.ChangePlanResponse> {
      const operator = parts.operatorOf(context);
      return changePlan(request, operator, parts);
    },

    async runPlan(request: pb.RunPlanRequest, context: CallContext): Promise<pb.RunPlanResponse> {
      const operator = parts.operatorOf(context);
      return runPlan(request, operator, parts);
    },
  };
}

/** What it would gain now, and what has changed since it was made. */
function checkLines(plan: PlanRecord, parts: ApiParts): readonly string[] {
  const { view } = parts.ledger;
  const changed = changedSince(view, plan, (hostId) => parts.observations.get(hostId));
  const snapshot = parts.snapshots.take();
  if (plan.scoreAfter === undefined || snapshot.vms.length > JUDGED_VMS_MAX) return changed;
  const moves = plan.moves.map(({ vmId, toId }) => ({ vmId, toHostId: toId }));
  const { scoreNow, scoreThen } = judgeMoves(snapshot, moves);
  return [
    `score now ${scoreNow.toFixed(4)}, with the plan ${scoreThen.toFixed(4)} (promised ${plan.scoreAfter.toFixed(4)})`,
    ...changed,
  ];
}

async function changePlan(
  request: pb.ChangePlanRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.ChangePlanResponse> {
  const why = decodeWhy(request.why);
  const at = parts.clock.wall().toISOString();
  const isApproval = request.change === pb.PlanChange.APPROVE;
  if (!isApproval && request.change !== pb.PlanChange.CANCEL) {
    throw invalid("change", "is required");
  }
  const changed = await parts.ledger.transact((view) => {
    const plan = findPlan(view, request.plan);
    const next = isApproval
      ? approve(plan, { operator, at })
      : cancel(plan, { operator, at, reason: why.reason });
    const isChanged = next !== plan && !why.dryRun;
    return { changes: isChanged ? [put("plan", next)] : [], result: next };
  });
  const { operationId } = changed;
  // A plan that runs ends with its operation.
  if (!isApproval && changed.state === "running" && operationId !== undefined && !why.dryRun) {
    await parts.runner.cancel(operationId);
  }
  return { plan: encodePlan(changed, parts.ledger.view) };
}

function approve(
  plan: PlanRecord,
  { operator, at }: { readonly operator: string; readonly at: string },
): PlanRecord {
  if (plan.state === "approved") return plan;
  if (plan.state !== "proposed") {
    throw new MusterError("wrong-state", `${plan.id} is ${plan.state}`, {
      hint: `make a new one: muster plan ${plan.kind}`,
    });
  }
  if (Date.parse(plan.expiresAt) <= Date.parse(at)) {
    throw new MusterError("wrong-state", `${plan.id} has expired at ${plan.expiresAt}`);
  }
  return { ...plan, state: "approved", approvedBy: operator };
}

function cancel(
  plan: PlanRecord,
  {
    operator,
    at,
    reason,
  }: { readonly operator: string; readonly at: string; readonly reason: string },
): PlanRecord {
  if (plan.state === "running") return plan;
  if (plan.state !== "proposed" && plan.state !== "approved") {
    throw new MusterError("wrong-state", `${plan.id} is ${plan.state} already`);
  }
  const why = `cancelled by ${operator}${reason === "" ? "" : `: ${reason}`}`;
  return endPlan(plan, "cancelled", { at, why });
}

async function runPlan(
  request: pb.RunPlanRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.RunPlanResponse> {
  const why = decodeWhy(request.why);
  const requestOf = (view: LedgerView): RunRequest => ({
    plan: findPlan(view, request.plan),
    operator,
    reason: why.reason,
    requestId: why.requestId,
    wallMs: parts.clock.wall().getTime(),
    parameters: {
      replan: request.replan,
      copyStorage: request.copyStorage,
      tls: parts.migrationTls,
    },
    observed: (hostId) => parts.observations.get(hostId),
  });
  const { view } = parts.ledger;
  const lines = checkLines(findPlan(view, request.plan), parts);
  if (why.dryRun) {
    const asked = requestOf(view);
    checkMayRun(view, asked);
    return { operation: undefined, plan: encodePlan(asked.plan, view), lines: [...lines] };
  }
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: "plan-run" },
    (now) => acceptPlanRun(now, requestOf(now)),
  );
  return {
    operation: encodeNow(operation, parts),
    plan: encodePlan(findPlan(view, request.plan), view),
    lines: [...lines],
  };
}

export function encodePlan(plan: PlanRecord, view: LedgerView): pb.KeptPlan {
  return {
    id: plan.id,
    kind: plan.kind,
    state: plan.state,
    about: plan.about,
    section: {
      title: "",
      lines: [...plan.stuck],
      moves: plan.moves.map((move, index) => encodeMove(move, index, view)),
      durationMs: milliseconds(plan.seconds),
      stuck: [],
      counts: [],
      restart: false,
    },
    snapshotHash: plan.snapshotHash,
    scoreBefore: plan.scoreBefore,
    scoreAfter: plan.scoreAfter,
    createdAt: plan.createdAt,
    createdBy: plan.createdBy,
    expiresAt: plan.expiresAt,
    approvedBy: plan.approvedBy ?? "",
    operationId: plan.operationId ?? "",
    endedAt: plan.endedAt ?? "",
    outcome: [...plan.outcome],
    replans: plan.replans,
  };
}

const milliseconds = (seconds: number): bigint => BigInt(Math.round(seconds * 1_000));

const encodeMove = (move: KeptMove, index: number, view: LedgerView): pb.PlanMove => ({
  step: index + 1,
  wave: move.wave,
  vm: move.vmName,
  fromHost: view.hosts.get(move.fromId)?.name ?? move.fromId,
  toHost: view.hosts.get(move.toId)?.name ?? move.toId,
  hop: move.isHop,
  memoryBytes: BigInt(move.memoryMiB) * MIB,
  volumeBytes: BigInt(move.volumesMiB) * MIB,
  durationMs: milliseconds(move.seconds),
  downtimeMs: move.downtimeMs,
  diverges: !move.converges,
});
