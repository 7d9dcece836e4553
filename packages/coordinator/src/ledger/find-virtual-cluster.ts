/** Virtual clusters by name, and by their members. Pure. */
import { MusterError, type VirtualClusterRecord, type VmId } from "@muster/model";
import type { LedgerView } from "./view.ts";

export function findVirtualCluster(view: LedgerView, name: string): VirtualClusterRecord {
  const cluster = view.virtualClusters.get(name);
  if (cluster !== undefined) return cluster;
  throw new MusterError("not-found", `there is no virtual cluster "${name}"`, {
    hint: "see: muster cluster ls",
  });
}

/** The virtual cluster that a VM is a member of; undefined: none. */
export const clusterOf = (view: LedgerView, vmId: VmId): VirtualClusterRecord | undefined =>
  [...view.virtualClusters.values()].find(({ members }) =>
    members.some((member) => member.vmId === vmId),
  );
