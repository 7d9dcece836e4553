/** Decides where a VM of a host that is off is started again, and claims its place there. Pure. */
import { policyOf, type OperationId, type VmRecord } from "@muster/model";
import { place, type PlaceRequest, type Snapshot } from "@muster/planner";
import { withRestart } from "../ha/restart-budget.ts";
import { put, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import { requestFor } from "./cluster-snapshot.ts";
import { chosenHost, explanationOf } from "./decide-create.ts";

export interface RecoverDecision {
  readonly hostName: string;
  readonly explanation: readonly string[];
  readonly changes: (operationId: OperationId) => readonly RecordChange[];
}

/**
 * @param facts.isAsked its host is there and lets go of it first: until then the new place is only claimed.
 * @throws MusterError "no-placement" with the reasons of every host.
 */
export function decideRecover(
  view: LedgerView,
  vm: VmRecord,
  {
    snapshot,
    wallMs,
    isAsked,
  }: { readonly snapshot: Snapshot; readonly wallMs: number; readonly isAsked: boolean },
): RecoverDecision {
  const asked: PlaceRequest = { vm: requestFor(vm), exclude: excluded(vm, snapshot) };
  const answer = place(snapshot, asked);
  const host = chosenHost(answer, view, { request: asked, snapshot });
  const generation = (vm.placement?.generation ?? 0) + 1;
  const recovery = withRestart(vm, policyOf(vm.spec), wallMs);
  return {
    hostName: host.name,
    explanation: explanationOf(answer, snapshot),
    changes: (operationId) => {
      const next = { hostId: host.id, generation };
      if (isAsked) return [put("vm", { ...vm, operationId, target: next, recovery })];
      return [put("vm", { ...vm, operationId, placement: next, recovery }), ...leftBy(vm, view)];
    },
  };
}

/** The host that is off remembers what is left on it. */
function leftBy({ id, placement }: VmRecord, view: LedgerView): readonly RecordChange[] {
  const host = placement === undefined ? undefined : view.hosts.get(placement.hostId);
  if (host === undefined || placement === undefined) return [];
  const others = (host.leftovers ?? []).filter(({ vmId }) => vmId !== id);
  const leftovers = [...others, { vmId: id, generation: placement.generation }];
  return [put("host", { ...host, leftovers })];
}

/** Hosts that cannot have its volumes, and the one that has just failed to start it. */
function excluded(vm: VmRecord, snapshot: Snapshot): NonNullable<PlaceRequest["exclude"]> {
  const failed = vm.recovery?.failedHostId;
  return snapshot.hosts.flatMap((host) => {
    const local = vm.spec.disks.find((disk) =>
      host.storages?.some(({ name, shared }) => name === disk.storage && shared !== true),
    );
    if (local !== undefined) {
      return [{ hostId: host.id, why: `storage ${local.storage} there is its own, not shared` }];
    }
    return host.id === failed ? [{ hostId: host.id, why: "it could not be started there" }] : [];
  });
}

/** The same for a restart where it is: nothing is placed, but it counts. */
export const changesInPlace =
  (vm: VmRecord, wallMs: number) =>
  (operationId: OperationId): readonly RecordChange[] => [
    put("vm", { ...vm, operationId, recovery: withRestart(vm, policyOf(vm.spec), wallMs) }),
  ];
