/** What leases of virtual clusters call for now. Pure. */
import { isEnded, type VirtualClusterRecord } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";

export type LeaseStep =
  | { readonly kind: "warn"; readonly cluster: VirtualClusterRecord; readonly leftMs: number }
  | { readonly kind: "shutdown"; readonly cluster: VirtualClusterRecord }
  | { readonly kind: "clean"; readonly cluster: VirtualClusterRecord };

/** A cluster that is worked on waits for the next look. */
export function planLeases(
  view: LedgerView,
  wallMs: number,
  isActive: (cluster: VirtualClusterRecord) => boolean,
): readonly LeaseStep[] {
  return [...view.virtualClusters.values()].flatMap((cluster): LeaseStep[] => {
    const { lease, operationId } = cluster;
    if (lease === undefined) return [];
    const leftMs = Date.parse(lease.endsAt) - wallMs;
    if (leftMs > 0) {
      const isDue = leftMs <= lease.warnSeconds * 1_000 && lease.warnedAt === undefined;
      return isDue ? [{ kind: "warn", cluster, leftMs }] : [];
    }
    const operation = operationId === undefined ? undefined : view.operations.get(operationId);
    if (operation !== undefined && !isEnded(operation.state)) return [];
    return [{ kind: cluster.booted && isActive(cluster) ? "shutdown" : "clean", cluster }];
  });
}
