/** How far a plan is, from the ledger and what the hosts say. Pure: that is what lets it go on after a restart. */
import {
  isEnded,
  type HostId,
  type KeptMove,
  type OperationRecord,
  type PlanRecord,
  type VmRecord,
} from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import type { HostObservation } from "../observations/observations.ts";

export interface PlanProgress {
  /** Moves under way. */
  readonly active: readonly OperationRecord[];
  /** Moves of the wave whose turn it is that have not begun. */
  readonly waiting: readonly WaitingMove[];
  /** Moves that cannot be made as planned any more, with why. */
  readonly stale: readonly StaleMove[];
  /** Of VMs that do not run: nothing moves them live, and nothing has to. */
  readonly resting: readonly KeptMove[];
  readonly doneCount: number;
  /** Of the moves whose turn has not come. */
  readonly laterCount: number;
  /** 0 when nothing is left. */
  readonly wave: number;
}

export interface WaitingMove {
  readonly move: KeptMove;
  /** From 1: the number of the next try. */
  readonly attempt: number;
  readonly index: number;
}

export interface StaleMove {
  readonly move: KeptMove;
  readonly why: string;
}

type Witness = Pick<HostObservation, "connected" | "reported" | "vms">;

/** A move that failed once may have met a bad moment; one that failed twice has met a reason. */
const TRIES_MAX = 2;

type RunningPlan = Pick<PlanRecord, "moves" | "replans">;

const prefixOf = (
  operation: Pick<OperationRecord, "id">,
  plan: RunningPlan,
  index: number,
): string => `${operation.id}/${String(plan.replans)}-${String(index)}/`;

/** The request id of one try at one move: asking for the same again is the same move. */
export const planMoveRequestId = (
  operation: Pick<OperationRecord, "id">,
  plan: RunningPlan,
  { index, attempt }: Pick<WaitingMove, "index" | "attempt">,
): string => `${prefixOf(operation, plan, index)}${String(attempt)}`;

export function planProgress(
  view: LedgerView,
  operation: Pick<OperationRecord, "id">,
  sources: {
    readonly plan: RunningPlan;
    readonly observed: (hostId: HostId) => Witness | undefined;
  },
): PlanProgress {
  const { plan, observed } = sources;
  const own = [...view.operations.values()].filter(
    ({ type, requestId }) => type === "vm-migrate" && requestId.startsWith(`${operation.id}/`),
  );
  const stale: StaleMove[] = [];
  const resting: KeptMove[] = [];
  const open: WaitingMove[] = [];
  let doneCount = 0;
  let wave = 0;
  plan.moves.forEach((move, index) => {
    const prefix = prefixOf(operation, plan, index);
    const tried = own.filter(({ requestId }) => requestId.startsWith(prefix));
    const verdict = judge(view, move, { tried, observed });
    if (verdict === "done") doneCount += 1;
    else if (verdict === "resting") resting.push(move);
    else if (verdict === "active" || verdict === "waiting") {
      if (wave === 0) ({ wave } = move);
      if (verdict === "waiting") open.push({ move, index, attempt: tried.length + 1 });
    } else stale.push({ move, why: verdict.why });
  });
  const waiting = open.filter(({ move }) => move.wave === wave);
  return {
    active: own.filter(({ state }) => !isEnded(state)),
    waiting,
    stale,
    resting,
    doneCount,
    laterCount: open.length - waiting.length,
    wave,
  };
}

type Verdict = "done" | "active" | "waiting" | "resting" | { readonly why: string };

function judge(
  view: LedgerView,
  move: KeptMove,
  {
    tried,
    observed,
  }: {
    readonly tried: readonly OperationRecord[];
    readonly observed: (hostId: HostId) => Witness | undefined;
  },
): Verdict {
  const last = tried.at(-1);
  if (last !== undefined && !isEnded(last.state)) return "active";
  if (last?.state === "succeeded") return "done";
  const vm = view.vms.get(move.vmId);
  if (vm === undefined) return { why: "it is gone" };
  const at = vm.placement?.hostId;
  if (at === move.toId) return "done";
  if (at !== move.fromId) {
    const where = at === undefined ? "no host" : (view.hosts.get(at)?.name ?? at);
    return { why: `it is on ${where}, not where the plan left it` };
  }
  if (last?.state === "cancelled") return { why: `its move ${last.id} was cancelled` };
  if (last !== undefined && tried.length >= TRIES_MAX) {
    return { why: `its move ${last.id} failed: ${last.error?.message ?? "it did not say why"}` };
  }
  return isResting(vm, observed(move.fromId)) ? "resting" : "waiting";
}

/** Sure not to run: said by a host that is heard, of a VM that no operation is about to start. */
export function isResting(vm: VmRecord, observed: Witness | undefined): boolean {
  if (vm.operationId !== undefined) return false;
  if (observed?.connected !== true || !observed.reported) return false;
  const state = observed.vms.get(vm.id)?.state;
  return state !== "running" && state !== "paused" && state !== "stopping";
}

/** What of an open plan could not be made now as planned, a line each. Hops are judged when they begin. */
export function changedSince(
  view: LedgerView,
  plan: PlanRecord,
  observed: (hostId: HostId) => Witness | undefined,
): readonly string[] {
  const begun = new Set<string>();
  return plan.moves.flatMap((move) => {
    // A second move of a VM starts where its first one ends.
    if (begun.has(move.vmId)) return [];
    begun.add(move.vmId);
    const verdict = judge(view, move, { tried: [], observed });
    const toHost = view.hosts.get(move.toId);
    if (typeof verdict === "object") return [`${move.vmName}: ${verdict.why}`];
    if (verdict === "done") return [`${move.vmName}: it is on ${toHost?.name ?? ""} already`];
    if (verdict === "resting") return [`${move.vmName}: it does not run any more`];
    if (toHost === undefined) return [`${move.vmName}: the host it should go to is gone`];
    return toHost.cordoned ? [`${move.vmName}: host ${toHost.name} is cordoned now`] : [];
  });
}
