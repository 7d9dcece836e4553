/** What the requests about VMs share. */
import { invalid, MusterError, type OperationRecord, type VmRecord } from "@muster/model";
import { decodeVmSpecDraft, type VmSpecDraft } from "@muster/model/wire";
import type { PlaceAnswer } from "@muster/planner";
import type * as pb from "@muster/proto/admin";
import type { LedgerView } from "../ledger/view.ts";
import { encodeOperation } from "./encode-operation.ts";
import { encodeVm } from "./encode-vm.ts";
import type { ApiParts, Why } from "./parts.ts";
import { vmView } from "./vm-view.ts";

export const shown = (vm: VmRecord, parts: ApiParts): pb.Vm =>
  encodeVm(
    vmView(vm, { view: parts.ledger.view, observations: parts.observations }),
    parts.ledger.view,
  );

export const snapshotOf = (parts: ApiParts) => parts.snapshots.take();

export const encodeAnswer = (answer: PlaceAnswer, lines: readonly string[]): pb.Explanation => ({
  lines: [...lines],
  json: JSON.stringify(answer),
  placed: answer.ok,
});

export const encodeNow = (record: OperationRecord, parts: ApiParts): pb.Operation =>
  encodeOperation(parts.runner.viewOf(record), parts.clock.wall());

export function requireDraft(spec: pb.CreateVmRequest["spec"]): VmSpecDraft {
  if (spec === undefined) throw invalid("spec", "is required");
  return decodeVmSpecDraft(spec, "spec");
}

export const about = (why: Why, requestedBy: string) => ({
  reason: why.reason,
  requestedBy,
  requestId: why.requestId,
});

export function checkFree(vm: VmRecord, view: LedgerView): void {
  if (vm.operationId === undefined) return;
  const operation = view.operations.get(vm.operationId);
  throw new MusterError(
    "busy",
    `VM ${vm.spec.name} is busy with ${vm.operationId} (${operation?.type ?? "unknown"})`,
    {
      hint: `wait for it: muster op watch ${vm.operationId}, or stop it: muster op cancel ${vm.operationId}`,
    },
  );
}
