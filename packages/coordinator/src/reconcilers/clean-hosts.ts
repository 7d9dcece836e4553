/** Finds what VMs that were restarted elsewhere have left on hosts that are back, and has it removed. */
import { isActive, isEnded, type HostId, type HostRecord, type VmObservation } from "@muster/model";
import type { Clock, Log, Reconciler } from "@muster/runtime";
import { put, type Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { HostObservation, Observations } from "../observations/observations.ts";
import type { CleanHostParameters } from "../operations/clean-host.ts";
import type { OperationRunner } from "../operations/operation-runner.ts";
import { TRANSACTION_RECORDS_MAX } from "../store/store.ts";

const PERIOD_MS = 15_000;
/** In one operation; the rest has its turn after it. */
const LEFTOVERS_MAX = 100;

/** Pure. Of VMs nobody works on, and only older copies that do not run. */
export function planCleaning(
  view: LedgerView,
  hosts: ReadonlyMap<HostId, HostObservation>,
): readonly CleanHostParameters[] {
  return [...hosts].flatMap(([hostId, observed]): readonly CleanHostParameters[] => {
    const host = view.hosts.get(hostId);
    if (!observed.connected || !observed.reported || host === undefined) return [];
    const leftovers = [...observed.vms.values()]
      .filter((seen) => seen.managed && !isActive(seen.state) && !seen.migrating)
      .filter((seen) => isLeftOn(host, seen, { view, hosts }))
      .map(({ id, generation }) => ({ vmId: id, generation }));
    return leftovers.length === 0 ? [] : [{ hostId, leftovers: leftovers.slice(0, LEFTOVERS_MAX) }];
  });
}

function isLeftOn(
  host: HostRecord,
  seen: VmObservation,
  sources: { readonly view: LedgerView; readonly hosts: ReadonlyMap<HostId, HostObservation> },
): boolean {
  const vm = sources.view.vms.get(seen.id);
  // Deleted meanwhile. What nobody remembers was perhaps never ours to remove.
  if (vm === undefined) {
    return (host.leftovers ?? []).some(
      ({ vmId, generation }) => vmId === seen.id && seen.generation <= generation,
    );
  }
  const { placement } = vm;
  if (placement === undefined || vm.operationId !== undefined) return false;
  if (placement.hostId === host.id || vm.target !== undefined) return false;
  const now = sources.hosts.get(placement.hostId);
  // Where it is placed it must be seen: otherwise this copy may be all there is.
  if (now?.connected !== true || !now.vms.has(vm.id)) return false;
  return seen.generation < placement.generation;
}

/** Pure. Hosts whose leftovers are gone, or live there again, without them. */
export function forgetLeftovers(
  view: LedgerView,
  hosts: ReadonlyMap<HostId, HostObservation>,
): readonly HostRecord[] {
  return [...view.hosts.values()].flatMap((host): readonly HostRecord[] => {
    const { leftovers = [], ...rest } = host;
    const observed = hosts.get(host.id);
    if (leftovers.length === 0 || observed?.connected !== true || !observed.reported) return [];
    const left = leftovers.filter(
      ({ vmId }) => observed.vms.has(vmId) && view.vms.get(vmId)?.placement?.hostId !== host.id,
    );
    if (left.length === leftovers.length) return [];
    return [left.length === 0 ? rest : { ...rest, leftovers: left }];
  });
}

export function cleanHosts(parts: {
  readonly ledger: Ledger;
  readonly observations: Observations;
  readonly runner: OperationRunner;
  readonly clock: Clock;
  readonly log: Log;
}): Reconciler {
  const { ledger, observations, runner, log } = parts;
  const forgotten = (view: LedgerView): readonly HostRecord[] =>
    forgetLeftovers(view, observations.hosts()).slice(0, TRANSACTION_RECORDS_MAX);
  const forget = async (): Promise<void> => {
    if (forgotten(ledger.view).length === 0) return;
    await ledger.transact((view) => ({
      changes: forgotten(view).map((host) => put("host", host)),
      result: undefined,
    }));
  };
  return {
    name: "clean-hosts",
    periodMs: PERIOD_MS,
    async reconcile() {
      await forget();
      for (const parameters of planCleaning(ledger.view, observations.hosts())) {
        const name = ledger.view.hosts.get(parameters.hostId)?.name ?? parameters.hostId;
        const subject = `host/${name}`;
        const isBusy = [...ledger.view.operations.values()].some(
          (operation) =>
            operation.type === "host-clean" &&
            operation.subject === subject &&
            !isEnded(operation.state),
        );
        if (isBusy) continue;
        const count = parameters.leftovers.length;
        log.info({ host: name, count }, "removing what is left of VMs that live elsewhere");
        await runner.submit<CleanHostParameters>({ requestId: "", type: "host-clean" }, () => ({
          operation: {
            type: "host-clean",
            subject,
            reason: "its VMs were restarted elsewhere while it was away",
            requestedBy: "muster",
            requestId: "",
            explanation: [],
            parameters,
          },
          changes: () => [],
        }));
      }
    },
  };
}
