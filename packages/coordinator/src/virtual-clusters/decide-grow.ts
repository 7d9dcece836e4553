/** Decides more computes for a virtual cluster: all of them or none. Pure. */
import type { OperationId, VirtualClusterRecord, VmRecord } from "@muster/model";
import { put, type RecordChange } from "../ledger/ledger.ts";
import { findNetwork } from "../ledger/view.ts";
import { makeMembers, type MemberSources } from "./make-members.ts";
import type { ComputeWish } from "./place-members.ts";

export interface GrowDecision {
  readonly vms: readonly VmRecord[];
  readonly explanation: readonly string[];
  readonly changes: (operationId: OperationId) => readonly RecordChange[];
}

export function decideGrow(
  cluster: VirtualClusterRecord,
  computes: ComputeWish,
  sources: MemberSources,
): GrowDecision {
  const { view } = sources;
  const network = findNetwork(view, cluster.network);
  const made = makeMembers({ cluster, network, isNew: false, computes }, sources);
  return {
    vms: made.vms("" as OperationId),
    explanation: made.explanation,
    changes: (operationId) => [
      put("virtual-cluster", {
        ...cluster,
        members: [...cluster.members, ...made.members],
        computeCount: made.computeCount,
        operationId,
      }),
      ...made.vms(operationId).map((vm) => put("vm", vm)),
      put("cluster", { ...view.cluster, macCount: made.macCount }),
    ],
  };
}
