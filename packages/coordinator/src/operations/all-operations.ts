/** Every operation type there is. */
import { changeVmOperations } from "./change-vm.ts";
import { createVm } from "./create-vm.ts";
import { deleteVm } from "./delete-vm.ts";
import { drainHost } from "./drain-host.ts";
import { migrateVm } from "./migrate-vm.ts";
import { runPlan } from "./run-plan.ts";
import { createNetwork, deleteNetwork } from "./network-operations.ts";
import { OperationRegistry } from "./operation-registry.ts";

export function allOperations(): OperationRegistry {
  const registry = new OperationRegistry()
    .add(createVm)
    .add(deleteVm)
    .add(migrateVm)
    .add(drainHost)
    .add(runPlan)
    .add(createNetwork)
    .add(deleteNetwork);
  for (const change of changeVmOperations) registry.add(change);
  return registry;
}
