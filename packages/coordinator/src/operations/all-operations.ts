/** Every operation type there is. */
import { bootCluster, growCluster } from "./boot-cluster.ts";
import { changeClusterOperations } from "./change-cluster.ts";
import { addImage, prefetchImage, removeImage } from "./image-operations.ts";
import { changePolicy } from "./change-policy.ts";
import { changeInterfaces, changeNetwork, changeUplink } from "./change-networks.ts";
import { changeVmOperations } from "./change-vm.ts";
import { cleanHost } from "./clean-host.ts";
import { createVm } from "./create-vm.ts";
import { deleteVm } from "./delete-vm.ts";
import { drainHost } from "./drain-host.ts";
import { migrateVm } from "./migrate-vm.ts";
import { removeSeed } from "./remove-seed.ts";
import { runPlan } from "./run-plan.ts";
import { createNetwork, deleteNetwork } from "./network-operations.ts";
import { followGroup } from "./follow-group.ts";
import { OperationRegistry } from "./operation-registry.ts";
import { recoverHost, type RecoverHostHelp } from "./recover-host.ts";
import { recoverVm } from "./recover-vm.ts";

export function allOperations(help: RecoverHostHelp): OperationRegistry {
  const registry = new OperationRegistry()
    .add(createVm)
    .add(addImage)
    .add(removeImage)
    .add(prefetchImage)
    .add(deleteVm)
    .add(removeSeed)
    .add(migrateVm)
    .add(drainHost)
    .add(runPlan)
    .add(recoverHost(help))
    .add(recoverVm)
    .add(changePolicy)
    .add(cleanHost)
    .add(createNetwork)
    .add(changeNetwork)
    .add(changeUplink)
    .add(changeInterfaces)
    .add(deleteNetwork)
    .add(bootCluster)
    .add(growCluster)
    .add(followGroup);
  for (const change of changeVmOperations) registry.add(change);
  for (const change of changeClusterOperations) registry.add(change);
  return registry;
}
