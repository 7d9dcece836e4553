/** Ends the hold of an operation on its VM. Pure. */
import type { OperationRecord, VmId, VmRecord } from "@muster/model";
import { put, remove, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";

/** The VM of an ended operation, when the operation still holds it. */
export function heldVm(
  view: LedgerView,
  operation: OperationRecord,
  vmId: VmId,
): VmRecord | undefined {
  const vm = view.vms.get(vmId);
  return vm?.operationId === operation.id ? vm : undefined;
}

export function released(vm: VmRecord): VmRecord {
  const { operationId: _operation, ...free } = vm;
  return free;
}

export function release(
  view: LedgerView,
  operation: OperationRecord,
  vmId: VmId,
): readonly RecordChange[] {
  const vm = heldVm(view, operation, vmId);
  return vm === undefined ? [] : [put("vm", released(vm))];
}

export function forget(
  view: LedgerView,
  operation: OperationRecord,
  vmId: VmId,
): readonly RecordChange[] {
  const vm = heldVm(view, operation, vmId);
  if (vm === undefined) return [];
  const context = view.contexts.get(vmId);
  return [remove("vm", vm), ...(context === undefined ? [] : [remove("context", context)])];
}

/** True when nothing the operation did is left on any host. */
export const isUndone = (operation: OperationRecord): boolean =>
  operation.steps.every((step) => step.state === "waiting" || step.state === "undone");
