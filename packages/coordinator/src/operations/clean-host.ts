/**
 * A host that was away is back with VMs that live elsewhere by now: what is left of them is removed. Never one that
 * runs, never one of the placement that counts; their volumes stay, they are the VMs' own.
 */
import type { HostId, VmId } from "@muster/model";
import type { OperationType, StepDefinition } from "./operation-type.ts";

export interface CleanHostParameters {
  readonly hostId: HostId;
  readonly leftovers: readonly { readonly vmId: VmId; readonly generation: number }[];
}

const clean: StepDefinition<CleanHostParameters> = {
  name: "remove-leftovers",
  host: (view, { hostId }) => view.hosts.get(hostId)?.name,
  async run(context) {
    const { hostId, leftovers } = context.parameters;
    for (const { vmId, generation } of leftovers) {
      // It may have come back to this very host meanwhile.
      const vm = context.ledger.view.vms.get(vmId);
      if (vm?.placement?.hostId === hostId || vm?.target?.hostId === hostId) continue;
      context.phase(`removing what is left of VM ${vmId}`);
      await context.command(
        hostId,
        { kind: "clean-departure", vmId, generation },
        { suffix: vmId.slice(0, 8) },
      );
    }
  },
};

export const cleanHost: OperationType<CleanHostParameters> = {
  name: "host-clean",
  verb: "clean",
  steps: () => [clean],
  ended: () => [],
};
