/** Starts, shuts down, shrinks and cleans virtual clusters. */
import { invalid, MusterError, type ClusterMember, type VirtualClusterRecord } from "@muster/model";
import * as pb from "@muster/proto/admin";
import {
  acceptClusterChange,
  decideClusterChange,
  ofRole,
  type ClusterChange,
  type WantedClusterChange,
} from "../virtual-clusters/decide-change.ts";
import { aboutCluster } from "./boot-virtual-cluster.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";
import { encodeNow } from "./vm-requests.ts";

/** Two minutes: what most guests need to shut down cleanly. */
const GRACE_MS_DEFAULT = 120_000;
const GRACE_MS_MAX = 3_600_000;

export async function changeVirtualCluster(
  request: pb.ChangeVirtualClusterRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.ChangeVirtualClusterResponse> {
  const change = decodeChange(request.change);
  const graceMs = decodeGrace(request.graceMs);
  const { name, force } = request;
  return submit(request, { name, change, graceMs, force }, { operator, parts });
}

export async function shrinkVirtualCluster(
  request: pb.ShrinkVirtualClusterRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.ShrinkVirtualClusterResponse> {
  const { name, force } = request;
  const computes = (cluster: VirtualClusterRecord): readonly ClusterMember[] =>
    chosenComputes(cluster, request);
  const wanted = { name, change: "shrink", graceMs: decodeGrace(request.graceMs), force } as const;
  return submit(request, { ...wanted, computes }, { operator, parts });
}

/** The newest first: they hold what was asked for last. */
function chosenComputes(
  cluster: VirtualClusterRecord,
  { computes: count, members }: pb.ShrinkVirtualClusterRequest,
): readonly ClusterMember[] {
  const computes = ofRole(cluster, "compute");
  if (members.length > 0 && count > 0) throw invalid("computes", "give a number or names");
  if (members.length > 0) {
    return [...new Set(members)].map((inside) => {
      const found = computes.find((member) => member.inside === inside);
      if (found !== undefined) return found;
      const known = computes.map((member) => member.inside).join(", ");
      throw new MusterError("not-found", `${cluster.name} has no compute "${inside}"`, {
        hint: known === "" ? "it has none" : `computes: ${known}`,
      });
    });
  }
  if (count === 0) throw invalid("computes", "is required", "a number, or names: compute-3");
  if (count > computes.length) {
    throw invalid("computes", `${cluster.name} has ${String(computes.length)} computes only`);
  }
  return computes.slice(-count);
}

async function submit(
  request: { readonly why: pb.Why | undefined },
  wanted: WantedClusterChange,
  { operator, parts }: { readonly operator: string; readonly parts: ApiParts },
): Promise<pb.ChangeVirtualClusterResponse> {
  const why = decodeWhy(request.why);
  if (why.dryRun) {
    const { plan } = decideClusterChange(parts.ledger.view, wanted, parts);
    return { operation: undefined, plan: [...plan] };
  }
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: `cluster-${wanted.change}` },
    (view) =>
      acceptClusterChange(view, wanted, {
        observations: parts.observations,
        about: aboutCluster(why, operator, wanted.name),
      }),
  );
  return { operation: encodeNow(operation, parts), plan: [...operation.explanation] };
}

function decodeGrace(graceMs: number): number {
  if (graceMs <= GRACE_MS_MAX) return graceMs === 0 ? GRACE_MS_DEFAULT : graceMs;
  throw invalid("grace_ms", `${String(graceMs)}, at most ${String(GRACE_MS_MAX)} are allowed`);
}

function decodeChange(change: pb.VirtualClusterChange): ClusterChange {
  switch (change) {
    case pb.VirtualClusterChange.START:
      return "start";
    case pb.VirtualClusterChange.SHUTDOWN:
      return "shutdown";
    case pb.VirtualClusterChange.CLEAN:
      return "clean";
    case pb.VirtualClusterChange.UNSPECIFIED:
      throw invalid("change", "is required");
    default:
      throw invalid("change", "is newer than this coordinator");
  }
}
