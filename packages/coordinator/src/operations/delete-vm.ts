/** Removes a VM: its domain and, unless told otherwise, the volumes made for it. */
import type { VmId } from "@muster/model";
import { hostNameOf } from "./create-vm.ts";
import { volumeNeeds } from "./needs.ts";
import type { OperationType, StepDefinition } from "./operation-type.ts";
import { forget, release } from "./vm-release.ts";

export interface DeleteVmParameters {
  readonly vmId: VmId;
  /** Pull the plug first. Without it a running VM is refused. */
  readonly force: boolean;
  readonly deleteVolumes: boolean;
}

const stop: StepDefinition<DeleteVmParameters> = {
  name: "stop",
  host: hostNameOf,
  async run(context) {
    const { vmId } = context.parameters;
    const hostId = context.ledger.view.vms.get(vmId)?.placement?.hostId;
    if (hostId === undefined) return;
    context.phase("stopping by force");
    await context.command(hostId, { kind: "stop-vm", vmId, force: true, graceMs: 0 });
  },
};

const remove: StepDefinition<DeleteVmParameters> = {
  name: "delete",
  host: hostNameOf,
  // A removed volume does not come back.
  pointOfNoReturn: true,
  async run(context) {
    const { vmId, deleteVolumes } = context.parameters;
    const vm = context.ledger.view.vms.get(vmId);
    if (vm?.placement === undefined) return;
    context.phase(deleteVolumes ? "removing the domain and its volumes" : "removing the domain");
    const { spec } = vm;
    await context.command(vm.placement.hostId, { kind: "delete-vm", vmId, deleteVolumes, spec });
  },
};

export const deleteVm: OperationType<DeleteVmParameters> = {
  name: "vm-delete",
  verb: "delete",
  needs: (sources, { vmId, deleteVolumes }) => {
    const vm = sources.view.vms.get(vmId);
    return deleteVolumes ? volumeNeeds(sources, vm?.placement?.hostId, vm?.spec) : [];
  },
  steps: ({ force }) => (force ? [stop, remove] : [remove]),
  ended(view, operation, outcome) {
    const { vmId } = operation.parameters;
    return outcome === "succeeded" ? forget(view, operation, vmId) : release(view, operation, vmId);
  },
};
