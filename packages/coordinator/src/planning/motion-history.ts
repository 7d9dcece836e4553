/** What moved lately, what moves now: for cool-downs, budgets, and for not starting while other motion runs. Pure. */
import { isEnded, type HostId, type OperationRecord, type VmId } from "@muster/model";
import type { Snapshot } from "@muster/planner";
import type { LedgerView } from "../ledger/view.ts";
import type { MigrateVmParameters } from "../operations/migrate-vm.ts";

const DAY_MS = 24 * 3_600_000;
/** Ages in whole minutes: a snapshot taken a second later is the same one. */
const AGE_STEP_SECONDS = 60;

/** The snapshot for questions about motion: what moved in the last day, and how fast moved guests dirty memory. */
export function withHistory(snapshot: Snapshot, view: LedgerView, wallMs: number): Snapshot {
  const moved = movesSince(view, wallMs - DAY_MS);
  const last = new Map<VmId, OperationRecord>();
  for (const operation of moved) last.set(vmOf(operation), operation);
  const vms = snapshot.vms.map((vm) => {
    const dirty = last.get(vm.id as VmId)?.migration?.dirtyBytesPerSecond;
    if (dirty === undefined || vm.measured === undefined) return vm;
    return { ...vm, measured: { ...vm.measured, dirtyBytesPerSecond: Number(dirty) } };
  });
  const ages = [...last].map(([vmId, { endedAt }]) => {
    const seconds = (wallMs - Date.parse(endedAt ?? "")) / 1_000;
    const secondsAgo = Math.max(0, Math.floor(seconds / AGE_STEP_SECONDS) * AGE_STEP_SECONDS);
    return { vmId, secondsAgo };
  });
  return { ...snapshot, vms, history: { movesLastDay: moved.length, lastMoves: ages } };
}

export const movesLastDay = (view: LedgerView, wallMs: number): number =>
  movesSince(view, wallMs - DAY_MS).length;

/** Oldest first. */
function movesSince(view: LedgerView, sinceMs: number): readonly OperationRecord[] {
  return [...view.operations.values()].filter(
    ({ type, state, endedAt }) =>
      type === "vm-migrate" && state === "succeeded" && Date.parse(endedAt ?? "") >= sinceMs,
  );
}

// The type of an operation fixes the form of its parameters.
const vmOf = ({ parameters }: OperationRecord): VmId => (parameters as MigrateVmParameters).vmId;

/** Migrations and drains, and plans that run, but for one: what a plan about evenness must not mix with. */
export const motionUnderWay = (view: LedgerView): readonly OperationRecord[] =>
  [...view.operations.values()].filter(
    ({ type, state }) =>
      !isEnded(state) && (type === "vm-migrate" || type === "host-drain" || type === "plan-run"),
  );

export interface MotionCounts {
  readonly all: number;
  readonly leaving: ReadonlyMap<HostId, number>;
  readonly arriving: ReadonlyMap<HostId, number>;
}

/** Of every VM that is on its way, whoever sent it. */
export function countMotion(view: LedgerView): MotionCounts {
  const leaving = new Map<HostId, number>();
  const arriving = new Map<HostId, number>();
  let all = 0;
  for (const { placement, target } of view.vms.values()) {
    if (placement === undefined || target === undefined) continue;
    all += 1;
    leaving.set(placement.hostId, (leaving.get(placement.hostId) ?? 0) + 1);
    arriving.set(target.hostId, (arriving.get(target.hostId) ?? 0) + 1);
  }
  return { all, leaving, arriving };
}
