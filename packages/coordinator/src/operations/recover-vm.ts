/**
 * Starts a VM again by itself: where it is, or on the host that was claimed for it when that was decided. From a host
 * that is off it is placed anew at once, so that host is told so when it comes back. A host that is there is asked first,
 * and makes certain that it neither runs the VM nor can start it: what it reported may be older than the VM's arrival
 * there (S1). There is nothing to undo: a VM that could not be started stays where it is placed, and the next try looks
 * for another host.
 */
import { noRecovery, type HostId, type VmId } from "@muster/model";
import { put } from "../ledger/ledger.ts";
import { hostNameOf, placedVm } from "./create-vm.ts";
import type { OperationType, StepDefinition } from "./operation-type.ts";
import { heldVm, released } from "./vm-release.ts";

export interface RecoverVmParameters {
  readonly vmId: VmId;
  /** Its domain must be made first: it is placed anew. */
  readonly define: boolean;
  /** The host it is placed on is there and has to let go of it first. */
  readonly leaveHostId?: HostId;
}

/** A host that goes away in the middle has been chosen badly; the next one is waiting. */
const OFFLINE_MS = 20_000;

const leave: StepDefinition<RecoverVmParameters> = {
  name: "leave",
  host: (view, { leaveHostId }) =>
    leaveHostId === undefined ? undefined : view.hosts.get(leaveHostId)?.name,
  async run(context) {
    const { ledger, parameters, operation } = context;
    const { placement, target } = placedVm(ledger.view, parameters.vmId);
    if (target === undefined) return;
    context.phase("making certain that its host does not run it");
    await context.command(
      placement.hostId,
      { kind: "clean-departure", vmId: parameters.vmId, generation: placement.generation },
      { offlineLimitMs: OFFLINE_MS },
    );
    await ledger.transact((view) => {
      const vm = heldVm(view, operation, parameters.vmId);
      if (vm?.target === undefined) return { changes: [], result: undefined };
      const { target: now, ...rest } = vm;
      return { changes: [put("vm", { ...rest, placement: now })], result: undefined };
    });
  },
};

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
  steps: ({ define: isNew, leaveHostId }) => {
    if (!isNew) return [start];
    return leaveHostId === undefined ? [define, start] : [leave, define, start];
  },
  ended(view, operation, outcome) {
    const vm = heldVm(view, operation, operation.parameters.vmId);
    if (vm === undefined) return [];
    const { failedHostId: _failed, ...recovery } = vm.recovery ?? noRecovery;
    const { target, ...placed } = released(vm);
    // Its host did not let go of it: the other one has not failed, and nothing has changed.
    if (target !== undefined) return [put("vm", { ...placed, recovery })];
    const failedHostId = vm.placement?.hostId;
    const isLost = outcome !== "succeeded" && failedHostId !== undefined;
    const now = isLost ? { ...recovery, failedHostId } : recovery;
    return [put("vm", { ...placed, recovery: now })];
  },
};
