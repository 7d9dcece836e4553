/**
 * Moves every running VM off a host that was cordoned when the request was accepted. Each move is an operation of its
 * own, decided when it starts; the plan gives the order and the first choice of target. Nothing is ever powered off
 * (S2): what cannot move stays, and the drain fails naming it, while the rest has moved.
 */
import { errorCodes, MusterError, type HostId, type OperationRecord } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import {
  drainProgress,
  moveRequestId,
  type DrainProgress,
  type PlannedLeave,
  type WaitingVm,
} from "./drain-progress.ts";
import type { OperationType, StepContext, StepDefinition } from "./operation-type.ts";
import { startMove } from "./start-move.ts";

export interface DrainHostParameters {
  readonly hostId: HostId;
  readonly planned: readonly PlannedLeave[];
  readonly copyStorage: boolean;
  /** Encrypt the moves. */
  readonly tls: boolean;
}

type Context = StepContext<DrainHostParameters>;

/** Moves that leave the host at once: more share its link, and each takes longer and pauses its guest longer. */
const MOVES_AT_ONCE_MAX = 2;
const LOOK_PERIOD_MS = 500;
/** How long nothing may move, for hosts that are away and VMs that others work on, before the drain gives up. */
const IDLE_LIMIT_MS = 10 * 60_000;
/** How long a refusal may still turn out to be a bad moment: after a restart, hosts take a while to come back. */
const PATIENCE_MS = 30_000;
/** Between tries at a VM that was refused: each asks the planner. */
const RETRY_PERIOD_MS = 5_000;
/** Reasons kept for one VM: every host has one, and a thousand hosts say much the same. */
const REASONS_MAX = 20;

interface RefusedMove {
  readonly error: MusterError;
  /** When it was first refused, and when last: of the clock's `now`. */
  readonly firstMs: number;
  readonly lastMs: number;
}

const hostName = (view: LedgerView, { hostId }: DrainHostParameters): string =>
  view.hosts.get(hostId)?.name ?? hostId;

const moveVms: StepDefinition<DrainHostParameters> = {
  name: "move-vms",
  host: hostName,
  async run(context) {
    const refusals = new Map<string, RefusedMove>();
    let idleSinceMs = context.clock.now();
    for (;;) {
      const progress = progressOf(context);
      tell(context, progress);
      if (context.signal.aborted) {
        // What moves goes on to its end; nothing new is started.
        if (progress.active.length === 0) context.signal.throwIfAborted();
      } else {
        const startedCount = await startMoves(context, progress, refusals);
        const movingCount = progress.active.length + startedCount;
        if (movingCount > 0) idleSinceMs = context.clock.now();
        const isIdleTooLong = context.clock.now() - idleSinceMs >= IDLE_LIMIT_MS;
        const nowMs = context.clock.now();
        const hopeful = progress.waiting.filter(({ vm }) => isHopeful(refusals.get(vm.id), nowMs));
        if (movingCount === 0 && (hopeful.length === 0 || isIdleTooLong)) {
          return finish(context, progress, refusals);
        }
      }
      await context.clock.sleep(LOOK_PERIOD_MS, context.stopping);
    }
  },
};

function progressOf({ ledger, observations, operation, parameters }: Context): DrainProgress {
  const { hostId, planned } = parameters;
  const observed = observations.get(hostId);
  return drainProgress(ledger.view, operation, { hostId, planned, observed });
}

/** Busy VMs and absent hosts may be fine in a moment; a missing place, only for a while. */
const isHopeful = (refused: RefusedMove | undefined, nowMs: number): boolean =>
  refused === undefined ||
  errorCodes[refused.error.code].retry ||
  nowMs - refused.firstMs < PATIENCE_MS;

/** Starts what may start now; says how many did. */
async function startMoves(
  context: Context,
  progress: DrainProgress,
  refusals: Map<string, RefusedMove>,
): Promise<number> {
  let free = MOVES_AT_ONCE_MAX - progress.active.length;
  let startedCount = 0;
  for (const waiting of progress.waiting) {
    if (free <= 0 || context.signal.aborted) break;
    const { id } = waiting.vm;
    const refused = refusals.get(id);
    const nowMs = context.clock.now();
    if (refused !== undefined && nowMs - refused.lastMs < RETRY_PERIOD_MS) continue;
    if (!isHopeful(refused, nowMs)) continue;
    const error = await start(context, waiting);
    if (error === undefined) {
      refusals.delete(id);
      free -= 1;
      startedCount += 1;
    } else {
      refusals.set(id, { error, firstMs: refused?.firstMs ?? nowMs, lastMs: nowMs });
    }
  }
  return startedCount;
}

/** Where the plan wanted it, else wherever there is room now. Answers why not, when not. */
const start = (context: Context, waiting: WaitingVm): Promise<MusterError | undefined> => {
  const { parameters, operation, ledger } = context;
  const { targetId, vm } = waiting;
  return startMove(context, {
    vmId: vm.id,
    fromId: parameters.hostId,
    requestId: moveRequestId(operation, waiting),
    choices: targetId === undefined ? [undefined] : [targetId, undefined],
    reason: `${operation.id} drains host ${hostName(ledger.view, parameters)}`,
    copyStorage: parameters.copyStorage,
    tls: parameters.tls,
    remember: true,
  });
};

function tell(context: Context, { active, waiting, movedCount }: DrainProgress): void {
  const moving = active.map(({ subject }) => subject.replace("vm/", "")).join(", ");
  const left = `${String(movedCount)} VMs have left, ${String(waiting.length)} wait`;
  const stopping = context.signal.aborted ? "; nothing new is started" : "";
  context.phase(`${left}${moving === "" ? "" : `, moving ${moving}`}${stopping}`);
}

/** @throws MusterError when running VMs are left, with the reasons of each. */
function finish(
  context: Context,
  { given, waiting, movedCount }: DrainProgress,
  refusals: ReadonlyMap<string, RefusedMove>,
): void {
  const failed = given.map(({ vm, last }) => ({ name: vm.spec.name, why: failureOf(last) }));
  const refused = waiting.map(({ vm }) => ({
    name: vm.spec.name,
    why: refusalLines(refusals.get(vm.id)?.error),
  }));
  const left = [...failed, ...refused];
  if (left.length === 0) return;
  const host = hostName(context.ledger.view, context.parameters);
  const count = left.length === 1 ? "1 VM" : `${String(left.length)} VMs`;
  throw new MusterError("wrong-state", `${count} could not leave host ${host}`, {
    reasons: left.flatMap(({ name, why }) => why.map((line) => `${name}: ${line}`)),
    hint: `${String(movedCount)} VMs have moved and ${host} stays cordoned; free capacity or stop those VMs, then drain it again`,
  });
}

const failureOf = ({ id, state, error }: OperationRecord): readonly string[] =>
  state === "cancelled"
    ? [`its move ${id} was cancelled`]
    : [`its move ${id} failed: ${error?.message ?? "it did not say why"}`];

function refusalLines(refusal: MusterError | undefined): readonly string[] {
  if (refusal === undefined) return ["it was not its turn yet"];
  const reasons = refusal.reasons.slice(0, REASONS_MAX);
  const more = refusal.reasons.length - reasons.length;
  return [refusal.message, ...reasons, ...(more > 0 ? [`and ${String(more)} more reasons`] : [])];
}

export const drainHost: OperationType<DrainHostParameters> = {
  name: "host-drain",
  verb: "drain",
  steps: () => [moveVms],
  // The host stays cordoned however it ends: opening it is for people.
  ended: () => [],
};
