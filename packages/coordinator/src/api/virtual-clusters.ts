/** Virtual clusters: boot, list, start, shut down, resize, clean, lease. */
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { put } from "../ledger/ledger.ts";
import { findVirtualCluster } from "../ledger/find-virtual-cluster.ts";
import { PublicNames, type ReverseNames } from "../virtual-clusters/public-names.ts";
import { bootVirtualCluster, growVirtualCluster, leasePart } from "./boot-virtual-cluster.ts";
import { changeVirtualCluster, shrinkVirtualCluster } from "./change-virtual-cluster.ts";
import { encodeVirtualCluster } from "./encode-virtual-cluster.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";
import { virtualClusterSettingsHandlers } from "./virtual-cluster-settings.ts";

export function virtualClusterHandlers(parts: ApiParts, reverseNames: ReverseNames) {
  const names = new PublicNames(reverseNames);
  const sources = () => ({ view: parts.ledger.view, observations: parts.observations });
  return {
    ...virtualClusterSettingsHandlers(parts),

    async bootVirtualCluster(
      request: pb.BootVirtualClusterRequest,
      context: CallContext,
    ): Promise<pb.BootVirtualClusterResponse> {
      const operator = parts.operatorOf(context);
      return bootVirtualCluster(request, { operator, parts, names });
    },

    async listVirtualClusters(
      { name }: pb.ListVirtualClustersRequest,
      context: CallContext,
    ): Promise<pb.ListVirtualClustersResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const wanted =
        name === "" ? [...view.virtualClusters.values()] : [findVirtualCluster(view, name)];
      const sorted = wanted.toSorted((one, other) =>
        one.name.localeCompare(other.name, "en", { numeric: true }),
      );
      return { clusters: sorted.map((cluster) => encodeVirtualCluster(cluster, sources())) };
    },

    async changeVirtualCluster(
      request: pb.ChangeVirtualClusterRequest,
      context: CallContext,
    ): Promise<pb.ChangeVirtualClusterResponse> {
      return changeVirtualCluster(request, parts.operatorOf(context), parts);
    },

    async growVirtualCluster(
      request: pb.GrowVirtualClusterRequest,
      context: CallContext,
    ): Promise<pb.GrowVirtualClusterResponse> {
      return growVirtualCluster(request, parts.operatorOf(context), parts);
    },

    async shrinkVirtualCluster(
      request: pb.ShrinkVirtualClusterRequest,
      context: CallContext,
    ): Promise<pb.ShrinkVirtualClusterResponse> {
      return shrinkVirtualCluster(request, parts.operatorOf(context), parts);
    },

    async setVirtualClusterLease(
      request: pb.SetVirtualClusterLeaseRequest,
      context: CallContext,
    ): Promise<pb.SetVirtualClusterLeaseResponse> {
      parts.operatorOf(context);
      const why = decodeWhy(request.why);
      const given = leasePart(request.seconds, request.warnSeconds, parts);
      const changed = await parts.ledger.transact((view) => {
        const { lease: _before, ...cluster } = findVirtualCluster(view, request.name);
        const after = { ...cluster, ...given };
        return { changes: why.dryRun ? [] : [put("virtual-cluster", after)], result: after };
      });
      return { cluster: encodeVirtualCluster(changed, sources()) };
    },
  };
}
