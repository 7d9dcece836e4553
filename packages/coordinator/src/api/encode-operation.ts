/** Operations to the wire. */
import { isEnded, type OperationState, type StepRecord, type StepState } from "@muster/model";
import { encodeErrorDetail, encodeMigrationStats } from "@muster/model/wire";
import * as pb from "@muster/proto/admin";
import { waitingText } from "../operations/budgets.ts";
import { STUCK_AFTER_MS } from "../operations/live-operations.ts";
import type { OperationView } from "../operations/operation-runner.ts";

const operationStates: Record<OperationState, pb.OperationState> = {
  queued: pb.OperationState.QUEUED,
  running: pb.OperationState.RUNNING,
  undoing: pb.OperationState.UNDOING,
  succeeded: pb.OperationState.SUCCEEDED,
  failed: pb.OperationState.FAILED,
  cancelled: pb.OperationState.CANCELLED,
};

const stepStates: Record<StepState, pb.StepState> = {
  waiting: pb.StepState.WAITING,
  running: pb.StepState.RUNNING,
  done: pb.StepState.DONE,
  failed: pb.StepState.FAILED,
  undone: pb.StepState.UNDONE,
};

/** `wall` is the time now, for the duration of a step that still runs. */
export function encodeOperation(operation: OperationView, wall: Date): pb.Operation {
  const { record, phase, migration, waiting, isPastReturn, stillMs } = operation;
  const isStuck = record.state !== "queued" && !isEnded(record.state) && stillMs >= STUCK_AFTER_MS;
  return {
    id: record.id,
    type: record.type,
    subject: record.subject,
    state: operationStates[record.state],
    steps: record.steps.map((step) => encodeStep(step, phase, wall)),
    reason: record.reason,
    requestedBy: record.requestedBy,
    createdAt: record.createdAt,
    endedAt: record.endedAt ?? "",
    error: record.error === undefined ? undefined : encodeErrorDetail(record.error),
    migration: migration === undefined ? undefined : encodeMigrationStats(migration),
    cancelRequested: record.cancelRequested,
    explanation: [...record.explanation],
    revision: 0n,
    waitsFor: waiting === undefined ? "" : waitingText(waiting),
    queuePlace: waiting?.place ?? 0,
    pastReturn: isPastReturn,
    stuckForMs: isStuck ? BigInt(Math.round(stillMs)) : 0n,
  };
}

function encodeStep(step: StepRecord, phase: string, wall: Date): pb.Step {
  return {
    name: step.name,
    state: stepStates[step.state],
    host: step.host ?? "",
    startedAt: step.startedAt ?? "",
    endedAt: step.endedAt ?? "",
    error: step.error === undefined ? undefined : encodeErrorDetail(step.error),
    phase: step.state === "running" ? phase : "",
    durationMs: BigInt(durationMs(step, wall)),
  };
}

/** For people only: both ends are wall-clock times. */
function durationMs(step: StepRecord, wall: Date): number {
  if (step.startedAt === undefined) return 0;
  const endMs = step.endedAt === undefined ? wall.getTime() : Date.parse(step.endedAt);
  return Math.max(0, endMs - Date.parse(step.startedAt));
}
