import { MoveBook } from "./move-book.ts";
import { DEFAULT_MOTION_LIMITS, totalsOf, type MotionLimits, type MotionPlan } from "./motion.ts";
import { scheduleMoves, type WantedMove } from "./schedule.ts";
import { Annealer } from "./search/anneal.ts";
import { Assignment } from "./search/assignment.ts";
import {
  DEFAULT_BALANCE_WEIGHTS,
  problemFrom,
  type BalanceWeights,
  type SnapshotProblem,
} from "./search/from-snapshot.ts";
import type { Snapshot } from "./snapshot.ts";

export interface RebalanceOptions {
  readonly weights?: Partial<BalanceWeights>;
  /** VMs that may move. */
  readonly movesMax?: number;
  /** With the snapshot and the weights this decides the plan. */
  readonly seed?: number;
  /** Candidates to weigh; default by the size of the cluster. */
  readonly evaluationsMax?: number;
  /**
   * How much of the time for the search is used up, from 0 to 1: for callers with a deadline, since the
   * planner knows no clock. The best plan so far comes back.
   */
  readonly elapsedShare?: () => number;
  readonly limits?: Partial<MotionLimits>;
  readonly restraint?: Partial<Restraint>;
}

/** What keeps rebalancing from running to and fro. */
export interface Restraint {
  /** Nothing moves while the score is below this. */
  readonly startAbove: number;
  /** A plan that gains less is not worth starting. */
  readonly gainMin: number;
  /** A VM that moved less than this long ago stays. */
  readonly cooldownSeconds: number;
  /** Moves in 24 hours, those already made included. */
  readonly movesPerDayMax: number;
}

export const DEFAULT_RESTRAINT: Restraint = {
  startAbove: 0,
  gainMin: 1e-4,
  cooldownSeconds: 3600,
  movesPerDayMax: Infinity,
};

export type RebalanceAnswer =
  | ({ readonly ok: true } & RebalancePlan)
  | {
      readonly ok: false;
      /** Other motion must end first: VMs that have a claim where they do not run yet. */
      readonly reason: "motion-under-way";
      readonly vmIds: readonly string[];
    };

export interface RebalancePlan extends MotionPlan {
  readonly seed: number;
  /** Lower is better. */
  readonly scoreBefore: number;
  readonly scoreAfter: number;
  /** The score after each move, in their order. */
  readonly scoreAfterMoves: readonly number[];
  /** Why there are no moves, when there are none. */
  readonly whyEmpty: "balanced" | "below-start" | "gain-too-small" | "budget-spent" | null;
}

/** A plan that makes the hosts more even, or none when that is not worth it. */
export function planRebalance(snapshot: Snapshot, options: RebalanceOptions = {}): RebalanceAnswer {
  const moving = movingVms(snapshot);
  if (moving.length > 0) return { ok: false, reason: "motion-under-way", vmIds: moving };
  const weights = { ...DEFAULT_BALANCE_WEIGHTS, ...options.weights };
  const restraint = { ...DEFAULT_RESTRAINT, ...options.restraint };
  const found = problemFrom(coolDown(snapshot, restraint), weights);
  const scoreBefore = new Assignment(found.problem).cost;
  const seed = options.seed ?? 1;
  const movesMax = Math.min(
    options.movesMax ?? found.problem.vmCount,
    restraint.movesPerDayMax - (snapshot.history?.movesLastDay ?? 0),
  );
  const answer = (
    motion: MotionPlan,
    scoreAfterMoves: readonly number[],
    whyEmpty: RebalancePlan["whyEmpty"],
  ): RebalanceAnswer => {
    const scoreAfter = scoreAfterMoves.at(-1) ?? scoreBefore;
    return { ok: true, ...motion, seed, scoreBefore, scoreAfter, scoreAfterMoves, whyEmpty };
  };
  const nothing = (whyEmpty: RebalancePlan["whyEmpty"]) =>
    answer(noMotion(snapshot.version), [], whyEmpty);
  if (scoreBefore < restraint.startAbove) return nothing("below-start");
  if (movesMax <= 0) return nothing("budget-spent");
  const best = searchRounds(snapshot, found, { ...options, seed, movesMax });
  if (best === undefined) return nothing("balanced");
  if (scoreBefore - best.score < restraint.gainMin) return nothing("gain-too-small");
  return answer(best.motion, best.scoreAfterMoves, null);
}

interface Round {
  readonly motion: MotionPlan;
  readonly scoreAfterMoves: readonly number[];
  readonly score: number;
}

/**
 * Searches for a better arrangement and an order that leads there. Where some moves have no order, their VMs
 * are held in place and the search is made again. What counts is the best state along the way.
 */
function searchRounds(
  snapshot: Snapshot,
  found: SnapshotProblem,
  how: RebalanceOptions & { readonly seed: number; readonly movesMax: number },
): Round | undefined {
  const movable = Uint8Array.from(found.problem.movable);
  const problem = { ...found.problem, movable };
  const evaluationsMax = how.evaluationsMax ?? defaultEvaluations(problem.vmCount);
  const limits = { ...DEFAULT_MOTION_LIMITS, ...how.limits };
  const indexOf = new Map(found.vms.map((vm, index) => [vm.id, index]));
  let best: Round | undefined;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const assignment = new Assignment(problem);
    const { movesMax, seed, elapsedShare } = how;
    const search = { movesMax, evaluationsMax, seed: seed + round, elapsedShare };
    new Annealer(assignment, search).run(search);
    const wanted = mostValuableFirst(found, assignment);
    const hopsMax = Math.max(0, Math.min(limits.hopsMax, movesMax - wanted.length));
    const whole = scheduleMoves(new MoveBook(snapshot), wanted, { ...limits, hopsMax });
    const cut = cutAtBest(whole, scoresAlong(found, whole));
    if (cut !== undefined && cut.score < (best?.score ?? assignment.startCost)) best = cut;
    if (whole.dropped.length === 0 || (elapsedShare?.() ?? 0) >= 1) break;
    for (const { vmId } of whole.dropped) movable[indexOf.get(vmId) ?? -1] = 0;
  }
  return best;
}

/** Searches made anew because some moves had no order. */
const ROUNDS_MAX = 3;

/** The moves up to the lowest score: when some were dropped, the rest need not all be for the better. */
function cutAtBest(whole: MotionPlan, scores: readonly number[]): Round | undefined {
  const score = Math.min(...scores);
  const length = scores.indexOf(score) + 1;
  if (length === 0) return undefined;
  const moves = whole.moves.slice(0, length);
  const motion = { ...whole, moves, waveCount: moves.at(-1)?.wave ?? 0, totals: totalsOf(moves) };
  return { motion, scoreAfterMoves: scores.slice(0, length), score };
}

const noMotion = (snapshotVersion: number): MotionPlan => ({
  snapshotVersion,
  moves: [],
  waveCount: 0,
  dropped: [],
  totals: totalsOf([]),
});

/** A tenth of a second at 400 VMs, one at 2,000, half a minute at 20,000, on one core. */
function defaultEvaluations(vmCount: number): number {
  return Math.round(250 * vmCount ** 1.3);
}

function movingVms(snapshot: Snapshot): readonly string[] {
  const hostOf = new Map(snapshot.vms.map((vm) => [vm.id, vm.hostId]));
  return snapshot.claims
    .filter(({ vmId, hostId }) => hostOf.get(vmId) !== undefined && hostOf.get(vmId) !== hostId)
    .map((claim) => claim.vmId)
    .sort();
}

/** VMs that moved a short while ago are taken to be immovable. */
function coolDown(snapshot: Snapshot, restraint: Restraint): Snapshot {
  const cooling = new Set(
    (snapshot.history?.lastMoves ?? [])
      .filter((move) => move.secondsAgo < restraint.cooldownSeconds)
      .map((move) => move.vmId),
  );
  if (cooling.size === 0) return snapshot;
  const vms = snapshot.vms.map((vm) => (cooling.has(vm.id) ? { ...vm, movable: false } : vm));
  return { ...snapshot, vms };
}

/**
 * Replays the moves greedily by gain, so that a plan stopped half way has most of what the whole would bring.
 * Gains shrink as hosts even out: an old figure is checked again before it is believed.
 */
function mostValuableFirst(found: SnapshotProblem, target: Assignment): readonly WantedMove[] {
  const { problem, vms, hostIds } = found;
  const replay = new Assignment(problem);
  const queue: { vm: number; cost: number }[] = [];
  for (let vm = 0; vm < problem.vmCount; vm++) {
    if (!target.hasMoved(vm)) continue;
    queue.push({ vm, cost: replay.costOfMove(vm, target.hostOf[vm] as number) - replay.cost });
  }
  queue.sort((a, b) => b.cost - a.cost || b.vm - a.vm);
  const wanted: WantedMove[] = [];
  while (queue.length > 0) {
    const top = queue[queue.length - 1] as { vm: number; cost: number };
    const host = target.hostOf[top.vm] as number;
    const cost = replay.costOfMove(top.vm, host) - replay.cost;
    const next = queue[queue.length - 2];
    if (next !== undefined && cost > next.cost + 1e-12) {
      queue.pop();
      sinkInto(queue, { vm: top.vm, cost });
      continue;
    }
    queue.pop();
    replay.move(top.vm, host);
    wanted.push({ vmId: vms[top.vm]?.id ?? "", toHostId: hostIds[host] ?? "" });
  }
  return wanted;
}

/** Keeps the queue in order, cheapest last. */
function sinkInto(
  queue: { vm: number; cost: number }[],
  entry: { vm: number; cost: number },
): void {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((queue[middle]?.cost ?? 0) > entry.cost) low = middle + 1;
    else high = middle;
  }
  queue.splice(low, 0, entry);
}

function scoresAlong(found: SnapshotProblem, motion: MotionPlan): readonly number[] {
  const replay = new Assignment(found.problem);
  const vmIndex = new Map(found.vms.map((vm, index) => [vm.id, index]));
  const hostIndex = new Map(found.hostIds.map((id, index) => [id, index]));
  return motion.moves.map((move) => {
    replay.move(vmIndex.get(move.vmId) ?? 0, hostIndex.get(move.toHostId) ?? 0);
    return replay.cost;
  });
}
