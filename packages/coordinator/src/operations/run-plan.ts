/**
 * Carries out a kept plan: wave after wave, each move an operation of its own, decided against the cluster as it is
 * when its turn comes, within the budgets of motion. A move that cannot be made any more stops the plan, or has the
 * rest planned anew when that was asked for; either way it says why. In the end the promise is compared with what is.
 *
 *   move-vms     the moves
 *   verify       are the VMs where the plan wanted them, and the hosts as even as it promised?
 */
import {
  errorCodes,
  MusterError,
  type HostId,
  type OperationRecord,
  type PlanId,
  type PlanRecord,
} from "@muster/model";
import { DEFAULT_MOTION_LIMITS } from "@muster/planner";
import { put } from "../ledger/ledger.ts";
import { findPlan } from "../ledger/view.ts";
import { countMotion } from "../planning/motion-history.ts";
import { endPlan } from "../plans/keep-plan.ts";
import { replanned, worthOf } from "./ask-about-plan.ts";
import type { OperationType, StepContext, StepDefinition } from "./operation-type.ts";
import { isResting, planMoveRequestId, planProgress, type PlanProgress } from "./plan-progress.ts";
import { startMove } from "./start-move.ts";

export interface RunPlanParameters {
  readonly planId: PlanId;
  /** When the cluster has changed: plan the rest anew instead of stopping. */
  readonly replan: boolean;
  readonly copyStorage: boolean;
  readonly tls: boolean;
}

type Context = StepContext<RunPlanParameters>;

const LOOK_PERIOD_MS = 500;
/** How long a refusal may still turn out to be a bad moment: after a restart, hosts take a while to come back. */
const PATIENCE_MS = 30_000;
/** The same for VMs that others work on, and hosts that are away. */
const BUSY_PATIENCE_MS = 10 * 60_000;
const RETRY_PERIOD_MS = 5_000;
/** A cluster that changes faster than plans are made needs another remedy. */
const REPLANS_MAX = 3;
/** Reasons kept in an error: a hundred moves that went stale together tell much the same. */
const REASONS_MAX = 20;
/** A gain lost in the noise of sums is none. */
const GAIN_NOISE = 1e-9;

interface RefusedMove {
  readonly error: MusterError;
  readonly firstMs: number;
  readonly lastMs: number;
}

const planOf = ({ ledger, parameters }: Context): PlanRecord =>
  findPlan(ledger.view, parameters.planId);

const moveVms: StepDefinition<RunPlanParameters> = {
  name: "move-vms",
  async run(context) {
    let refusals = new Map<number, RefusedMove>();
    let judgedWave = 0;
    for (;;) {
      const progress = progressOf(context);
      tell(context, progress);
      if (context.signal.aborted) {
        // What moves goes on to its end; nothing new is started.
        if (progress.active.length === 0) context.signal.throwIfAborted();
      } else {
        const reasons = await staleReasons(context, progress, { refusals, judgedWave });
        judgedWave = progress.wave;
        if (reasons.length === 0) await startMoves(context, progress, refusals);
        else if (progress.active.length === 0) {
          await goOnOtherwise(context, progress, reasons);
          refusals = new Map<number, RefusedMove>();
          judgedWave = 0;
          continue;
        }
        if (isOver(progress)) return;
      }
      await context.clock.sleep(LOOK_PERIOD_MS, context.stopping);
    }
  },
};

const isOver = ({ active, waiting, laterCount, stale }: PlanProgress): boolean =>
  active.length + waiting.length + laterCount + stale.length === 0;

function progressOf(context: Context): PlanProgress {
  const { ledger, observations, operation } = context;
  const observed = (hostId: HostId) => observations.get(hostId);
  return planProgress(ledger.view, operation, { plan: planOf(context), observed });
}

/** Why the plan cannot go on as it is; nothing: it can. */
async function staleReasons(
  context: Context,
  progress: PlanProgress,
  known: { readonly refusals: ReadonlyMap<number, RefusedMove>; readonly judgedWave: number },
): Promise<readonly string[]> {
  const nowMs = context.clock.now();
  const stale = progress.stale.map(({ move, why }) => `${move.vmName}: ${why}`);
  const refused = progress.waiting.flatMap(({ move, index }) => {
    const refusal = known.refusals.get(index);
    if (refusal === undefined || isHopeful(refusal, nowMs)) return [];
    const { message, reasons } = refusal.error;
    return [message, ...reasons].map((line) => `${move.vmName}: ${line}`);
  });
  const reasons = [...stale, ...refused];
  const isNewWave = progress.wave > known.judgedWave && progress.active.length === 0;
  if (reasons.length > 0 || !isNewWave || progress.wave === 0) return reasons;
  return lostGain(context);
}

const isHopeful = ({ error, firstMs }: RefusedMove, nowMs: number): boolean =>
  nowMs - firstMs < (errorCodes[error.code].retry ? BUSY_PATIENCE_MS : PATIENCE_MS);

/** A plan about evenness is only worth going on with while the rest of it still gains. */
async function lostGain(context: Context): Promise<readonly string[]> {
  const plan = planOf(context);
  if (plan.scoreAfter === undefined) return [];
  const { scoreNow, scoreThen } = await worthOf(context, plan.moves);
  if (scoreThen < scoreNow - GAIN_NOISE) return [];
  return [
    `the rest would bring no gain any more: the score is ${scoreNow.toFixed(4)} and would be ${scoreThen.toFixed(4)}`,
  ];
}

async function startMoves(
  context: Context,
  progress: PlanProgress,
  refusals: Map<number, RefusedMove>,
): Promise<void> {
  const plan = planOf(context);
  const { operation, parameters, clock } = context;
  for (const waiting of progress.waiting) {
    if (context.signal.aborted) return;
    const { move, index } = waiting;
    const refused = refusals.get(index);
    const nowMs = clock.now();
    if (refused !== undefined && nowMs - refused.lastMs < RETRY_PERIOD_MS) continue;
    if (!isWithinBudgets(context, move)) continue;
    const error = await startMove(context, {
      vmId: move.vmId,
      fromId: move.fromId,
      requestId: planMoveRequestId(operation, plan, waiting),
      choices: [move.toId],
      reason: `${operation.id} runs ${plan.id} (${plan.kind})`,
      copyStorage: parameters.copyStorage,
      tls: parameters.tls,
      remember: plan.kind === "drain" || plan.kind === "rolling",
    });
    if (error === undefined) refusals.delete(index);
    else refusals.set(index, { error, firstMs: refused?.firstMs ?? nowMs, lastMs: nowMs });
  }
}

/** Counted over everything that moves, whoever sent it. */
function isWithinBudgets(
  { ledger }: Context,
  move: { readonly fromId: HostId; readonly toId: HostId },
): boolean {
  const { outgoingPerHostMax, incomingPerHostMax, atOnceMax } = DEFAULT_MOTION_LIMITS;
  const { all, leaving, arriving } = countMotion(ledger.view);
  return (
    all < atOnceMax &&
    (leaving.get(move.fromId) ?? 0) < outgoingPerHostMax &&
    (arriving.get(move.toId) ?? 0) < incomingPerHostMax
  );
}

/** Plans the rest anew when that was asked for and helps; otherwise stops and says why. */
async function goOnOtherwise(
  context: Context,
  progress: PlanProgress,
  reasons: readonly string[],
): Promise<void> {
  const plan = planOf(context);
  const why = reasons[0] ?? "";
  if (context.parameters.replan && plan.replans < REPLANS_MAX) {
    context.phase(`the cluster has changed (${why}); planning the rest anew`);
    const rest = await replanned(context, plan);
    await context.ledger.transact((view) => {
      const now = findPlan(view, plan.id);
      // Another turn of this step may have done it before the coordinator was restarted.
      if (now.replans !== plan.replans) return { changes: [], result: undefined };
      const line = `planned anew after ${String(progress.doneCount)} of ${String(plan.moves.length)} moves, ${String(rest.moves.length)} to make: ${why}`;
      const outcome = [...now.outcome, line];
      const next = { ...now, ...rest, replans: now.replans + 1, outcome };
      return { changes: [put("plan", next)], result: undefined };
    });
    return;
  }
  const left = progress.stale.length + progress.waiting.length + progress.laterCount;
  throw new MusterError("wrong-state", `the cluster has changed since ${plan.id} was made`, {
    reasons: reasons.slice(0, REASONS_MAX),
    hint: `${String(progress.doneCount)} moves were made and ${String(left)} were not; make a new plan: muster plan ${plan.kind}, or run it with --replan`,
  });
}

function tell(context: Context, progress: PlanProgress): void {
  const { active, waiting, laterCount, doneCount, wave } = progress;
  const moving = active.map(({ subject }) => subject.replace("vm/", "")).join(", ");
  const left = `${String(doneCount)} moves made, ${String(waiting.length + laterCount)} to make`;
  const stopping = context.signal.aborted ? "; nothing new is started" : "";
  const now = moving === "" ? "" : `, wave ${String(wave)}: moving ${moving}`;
  context.phase(`${left}${now}${stopping}`);
}

const verify: StepDefinition<RunPlanParameters> = {
  name: "verify",
  async run(context) {
    const plan = planOf(context);
    const { missed, lines } = compare(context, plan);
    if (plan.scoreAfter !== undefined) {
      const { scoreNow } = await worthOf(context, []);
      const promised = `promised ${plan.scoreAfter.toFixed(4)}, is ${scoreNow.toFixed(4)}`;
      lines.push(`score: was ${(plan.scoreBefore ?? 0).toFixed(4)}, ${promised}`);
    }
    await context.ledger.transact((view) => {
      const now = findPlan(view, plan.id);
      const outcome = [...new Set([...now.outcome, ...lines, ...missed])];
      return { changes: [put("plan", { ...now, outcome })], result: undefined };
    });
    if (missed.length === 0) return;
    throw new MusterError("wrong-state", `${plan.id} has not done what it promised`, {
      reasons: missed.slice(0, REASONS_MAX),
      hint: `see: muster plan show ${plan.id}; make a new plan: muster plan ${plan.kind}`,
    });
  },
};

/** The promise against what is: every VM where its last move ends, and nothing running on hosts to be emptied. */
function compare({ ledger, observations }: Context, plan: PlanRecord) {
  const { view } = ledger;
  const nameOf = (id: HostId | undefined): string =>
    id === undefined ? "no host" : (view.hosts.get(id)?.name ?? id);
  const ends = new Map(plan.moves.map((move) => [move.vmId, move]));
  const gone: string[] = [];
  const missed: string[] = [];
  let arrived = 0;
  for (const [vmId, { vmName, toId, fromId }] of ends) {
    const vm = view.vms.get(vmId);
    const at = vm?.placement?.hostId;
    if (vm === undefined) gone.push(`${vmName} is gone`);
    else if (at === toId) arrived += 1;
    else if (isResting(vm, observations.get(fromId))) gone.push(`${vmName} does not run any more`);
    else missed.push(`${vmName} is on ${nameOf(at)}, not on ${nameOf(toId)}`);
  }
  const emptied = plan.kind === "drain" || plan.kind === "rolling";
  const still = !emptied
    ? []
    : [...view.vms.values()].filter(
        (vm) =>
          vm.placement !== undefined &&
          plan.hostIds.includes(vm.placement.hostId) &&
          !isResting(vm, observations.get(vm.placement.hostId)),
      );
  const left = still.map((vm) => `${vm.spec.name} still runs on ${nameOf(vm.placement?.hostId)}`);
  const lines = [
    `${String(arrived)} of ${String(ends.size)} VMs are where they should be`,
    ...gone,
  ];
  return { lines, missed: [...missed, ...left] };
}

const states = { succeeded: "verified", failed: "failed", cancelled: "cancelled" } as const;

export const runPlan: OperationType<RunPlanParameters> = {
  name: "plan-run",
  verb: "run",
  steps: () => [moveVms, verify],
  ended(view, operation: OperationRecord<RunPlanParameters>, outcome) {
    const plan = view.plans.get(operation.parameters.planId);
    if (plan?.operationId !== operation.id) return [];
    const at = operation.endedAt ?? operation.createdAt;
    const why = operation.error === undefined ? {} : { why: operation.error.message };
    return [put("plan", endPlan(plan, states[outcome], { at, ...why }))];
  },
};
