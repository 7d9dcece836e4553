/**
 * Takes the disk with a VM's context out of it, overwrites and removes it, and forgets what was in it. Tried again by
 * whoever asked when it fails: nothing of it can be undone, and nothing needs to be.
 */
import type { VmId } from "@muster/model";
import { put } from "../ledger/ledger.ts";
import { hostNameOf, placedVm } from "./create-vm.ts";
import type { OperationType, StepDefinition } from "./operation-type.ts";
import { release } from "./vm-release.ts";

export interface RemoveSeedParameters {
  readonly vmId: VmId;
}

const remove: StepDefinition<RemoveSeedParameters> = {
  name: "remove-seed",
  host: hostNameOf,
  async run(context) {
    const { id: vmId, spec, placement } = placedVm(context.ledger.view, context.parameters.vmId);
    context.phase("removing the disk with the context");
    await context.command(placement.hostId, { kind: "remove-seed", vmId, spec });
  },
};

export const removeSeed: OperationType<RemoveSeedParameters> = {
  name: "vm-remove-seed",
  verb: "remove the seed of",
  steps: () => [remove],
  ended(view, operation, outcome) {
    const { vmId } = operation.parameters;
    const record = view.contexts.get(vmId);
    const freed = release(view, operation, vmId);
    if (outcome !== "succeeded" || record === undefined) return freed;
    const { sealedSecret: _forgotten, ...rest } = record;
    return [...freed, put("context", { ...rest, seed: "removed" })];
  },
};
