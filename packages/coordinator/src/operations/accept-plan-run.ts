/** Decides to run a kept plan: may it run now, and what does that change beside it? Pure but for its arguments. */
import { MusterError, type HostId, type PlanRecord } from "@muster/model";
import { put, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { HostObservation } from "../observations/observations.ts";
import { motionUnderWay } from "../planning/motion-history.ts";
import { endPlan, openPlans } from "../plans/keep-plan.ts";
import type { Accepted } from "./operation-runner.ts";
import { changedSince } from "./plan-progress.ts";
import type { RunPlanParameters } from "./run-plan.ts";

export interface RunRequest {
  readonly plan: PlanRecord;
  readonly operator: string;
  readonly reason: string;
  readonly requestId: string;
  readonly wallMs: number;
  readonly parameters: Omit<RunPlanParameters, "planId">;
  readonly observed: (hostId: HostId) => HostObservation | undefined;
  /** Beside the plan, in the same step: opening the host it returns to. */
  readonly alsoChanges?: readonly RecordChange[];
}

/** @throws MusterError when it may not run now: it is over, late, stale, or other motion runs. */
export function acceptPlanRun(view: LedgerView, request: RunRequest): Accepted<RunPlanParameters> {
  const { plan, operator, wallMs, parameters } = request;
  checkMayRun(view, request);
  const at = new Date(wallMs).toISOString();
  return {
    operation: {
      type: "plan-run",
      subject: `plan/${plan.id}`,
      reason: request.reason,
      requestedBy: operator,
      requestId: request.requestId,
      parameters: { ...parameters, planId: plan.id },
      explanation: [
        `${plan.kind}${plan.about === "" ? "" : ` of ${plan.about}`}: ${String(plan.moves.length)} moves`,
        ...(plan.scoreAfter === undefined
          ? []
          : [`score ${(plan.scoreBefore ?? 0).toFixed(4)} to ${plan.scoreAfter.toFixed(4)}`]),
        `planned on snapshot ${plan.snapshotHash}`,
      ],
    },
    changes: (operationId) => [
      put("plan", {
        ...plan,
        state: "running",
        operationId,
        approvedBy: plan.approvedBy ?? operator,
      }),
      ...supersede(view, plan, at),
      ...cordons(view, plan),
      ...(request.alsoChanges ?? []),
    ],
  };
}

export function checkMayRun(
  view: LedgerView,
  { plan, wallMs, parameters, observed }: Omit<RunRequest, "operator" | "reason" | "requestId">,
): void {
  if (plan.state !== "proposed" && plan.state !== "approved") {
    throw new MusterError("wrong-state", `${plan.id} is ${plan.state}`, {
      hint: `see: muster plan show ${plan.id}; make a new one: muster plan ${plan.kind}`,
    });
  }
  if (Date.parse(plan.expiresAt) <= wallMs) {
    throw new MusterError("wrong-state", `${plan.id} has expired at ${plan.expiresAt}`, {
      hint: `make a new one: muster plan ${plan.kind}`,
    });
  }
  const motion = motionUnderWay(view);
  const blocking = isMaintenance(plan) ? motion.filter(({ type }) => type === "plan-run") : motion;
  const [first] = blocking;
  if (first !== undefined) {
    throw new MusterError("busy", `${plan.id} waits: other motion runs`, {
      reasons: blocking
        .slice(0, MOTION_SHOWN)
        .map(({ id, type, subject }) => `${id}: ${type} ${subject}`),
      hint: `wait for it: muster op watch ${first.id}`,
    });
  }
  const changed = parameters.replan ? [] : changedSince(view, plan, observed);
  if (changed.length === 0) return;
  throw new MusterError("wrong-state", `the cluster has changed since ${plan.id} was made`, {
    reasons: changed,
    hint: `make a new one: muster plan ${plan.kind}, or run this one with --replan`,
  });
}

const MOTION_SHOWN = 10;

/** What empties hosts for people may go on beside other motion; what is about evenness may not. */
const isMaintenance = ({ kind }: PlanRecord): boolean => kind === "drain" || kind === "rolling";

/** Open plans that would move the same VMs are about a cluster that is about to change. */
function supersede(view: LedgerView, plan: PlanRecord, at: string): readonly RecordChange[] {
  const moving = new Set(plan.moves.map(({ vmId }) => vmId));
  return openPlans(view)
    .filter(({ id, moves }) => id !== plan.id && moves.some(({ vmId }) => moving.has(vmId)))
    .map((other) =>
      put("plan", endPlan(other, "superseded", { at, why: `${plan.id} moves some of its VMs` })),
    );
}

/** Hosts to be emptied are given nothing new from now on; opening them again is for people. */
function cordons(view: LedgerView, plan: PlanRecord): readonly RecordChange[] {
  if (!isMaintenance(plan)) return [];
  return plan.hostIds.flatMap((id) => {
    const host = view.hosts.get(id);
    if (host === undefined || host.cordoned) return [];
    return [put("host", { ...host, cordoned: true, cordonReason: `emptied by ${plan.id}` })];
  });
}
