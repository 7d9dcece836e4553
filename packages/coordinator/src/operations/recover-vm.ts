/**
 * Starts a VM again by itself: where it is, or on the host that was claimed for it when that was decided. From then on
 * the ledger says that it lives there, so the host that had it is told so when it comes back. There is nothing to undo:
 * a VM that could not be started stays where it is placed, and the next try looks for another host.
 */
import { noRecovery, type VmId } from "@muster/model";
import { put } from "../ledger/ledger.ts";
import { hostNameOf, placedVm } from "./create-vm.ts";
import type { OperationType, StepDefinition } from "./operation-type.ts";
import { heldVm, released } from "./vm-release.ts";

export interface RecoverVmParameters {
  readonly vmId: VmId;
  /** Its domain must be made first: it is placed anew. */
  readonly define: boolean;
}

/** A host that goes away in the middle has been chosen badly; the next one is waiting. */
const OFFLINE_MS = 20_000;

const define: StepDefinition<RecoverVmParameters> = {
  name: "define",
  host: hostNameOf,
  async run(context) {
    const { id: vmId, spec, placement } = placedVm(context.ledger.view, context.parameters.vmId);
    context.phase("defining the domain on its volumes");
    const { hostId, generation } = placement;
    await context.command(
      hostId,
      { kind: "define-vm", vmId, spec, generation, existingVolumes: true },
      { offlineLimitMs: OFFLINE_MS },
    );
  },
};

const start: StepDefinition<RecoverVmParameters> = {
  name: "start",
  host: hostNameOf,
  async run(context) {
    const { id: vmId, spec, placement } = placedVm(context.ledger.view, context.parameters.vmId);
    context.phase("starting");
    const options = { offlineLimitMs: OFFLINE_MS };
    await context.command(placement.hostId, { kind: "start-vm", vmId, spec }, options);
  },
};

export const recoverVm: OperationType<RecoverVmParameters> = {
  name: "vm-recover",
  verb: "restart",
  steps: ({ define: isNew }) => (isNew ? [define, start] : [start]),
  ended(view, operation, outcome) {
    const vm = heldVm(view, operation, operation.parameters.vmId);
    if (vm === undefined) return [];
    const { failedHostId: _failed, ...recovery } = vm.recovery ?? noRecovery;
    const failedHostId = vm.placement?.hostId;
    const isLost = outcome !== "succeeded" && failedHostId !== undefined;
    const now = isLost ? { ...recovery, failedHostId } : recovery;
    return [put("vm", { ...released(vm), recovery: now })];
  },
};
