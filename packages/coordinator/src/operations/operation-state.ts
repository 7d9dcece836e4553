/** The one door through which an operation changes. Pure: record in, record out. */
import {
  assert,
  canMoveOperation,
  isEnded,
  type CommandId,
  type ErrorDetail,
  type OperationId,
  type OperationRecord,
  type OperationState,
  type StepRecord,
} from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";

export function move(operation: OperationRecord, to: OperationState): OperationRecord {
  assert(
    canMoveOperation(operation.state, to),
    `operations never go from ${operation.state} to ${to}`,
  );
  return { ...operation, state: to };
}

export function withStep(
  operation: OperationRecord,
  index: number,
  change: Partial<StepRecord>,
): OperationRecord {
  const steps = operation.steps.map((step, position) =>
    position === index ? { ...step, ...change } : step,
  );
  return { ...operation, steps };
}

export const firstUnfinished = (operation: OperationRecord): number =>
  operation.steps.findIndex((step) => step.state !== "done");

/** The last step that may have had an effect. */
export const lastToUndo = (operation: OperationRecord): number =>
  operation.steps.findLastIndex((step) => step.state !== "waiting" && step.state !== "undone");

/** True once a step is done that cannot be undone. */
export function isPastReturn(
  operation: OperationRecord,
  steps: readonly { readonly pointOfNoReturn?: boolean }[],
): boolean {
  return operation.steps.some(
    (step, index) => step.state === "done" && steps[index]?.pointOfNoReturn === true,
  );
}

/** The error of the step that made the operation turn around. */
export const failureOf = (operation: OperationRecord): ErrorDetail | undefined =>
  operation.steps.find((step) => step.error !== undefined)?.error;

/**
 * True while the result of a command still has to be recorded: its step, in its latest attempt, is under way or being
 * undone. A result that comes again after that was recorded already and needs only its acknowledgement.
 */
export function isWanted(commandId: CommandId, view: LedgerView): boolean {
  const [operationId, name = "", attempt] = commandId.split("/");
  const operation = view.operations.get(operationId as OperationId);
  if (operation === undefined || isEnded(operation.state)) return false;
  return operation.steps.some(
    (step) =>
      (step.name === name || name.startsWith(`${step.name}-`)) &&
      String(step.attempt) === attempt &&
      (step.state === "running" || operation.state === "undoing") &&
      step.state !== "undone",
  );
}
