/** Finds what VMs that were restarted elsewhere have left on hosts that are back, and has it removed. */
import { isActive, isEnded, type HostId } from "@muster/model";
import type { Clock, Log, Reconciler } from "@muster/runtime";
import type { Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { HostObservation, Observations } from "../observations/observations.ts";
import type { CleanHostParameters } from "../operations/clean-host.ts";
import type { OperationRunner } from "../operations/operation-runner.ts";

const PERIOD_MS = 15_000;
/** In one operation; the rest has its turn after it. */
const LEFTOVERS_MAX = 100;

/** Pure. Of VMs nobody works on, and only older copies that do not run. */
export function planCleaning(
  view: LedgerView,
  hosts: ReadonlyMap<HostId, HostObservation>,
): readonly CleanHostParameters[] {
  return [...hosts].flatMap(([hostId, observed]): readonly CleanHostParameters[] => {
    if (!observed.connected || !observed.reported || !view.hosts.has(hostId)) return [];
    const leftovers = [...observed.vms.values()].flatMap((seen) => {
      const vm = view.vms.get(seen.id);
      if (!seen.managed || isActive(seen.state) || seen.migrating) return [];
      if (vm?.placement === undefined || vm.operationId !== undefined) return [];
      if (vm.placement.hostId === hostId || vm.target !== undefined) return [];
      const now = hosts.get(vm.placement.hostId);
      // Where it is placed it must be seen: otherwise this copy may be all there is.
      if (now?.connected !== true || !now.vms.has(vm.id)) return [];
      return seen.generation < vm.placement.generation
        ? [{ vmId: seen.id, generation: seen.generation }]
        : [];
    });
    return leftovers.length === 0 ? [] : [{ hostId, leftovers: leftovers.slice(0, LEFTOVERS_MAX) }];
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
  return {
    name: "clean-hosts",
    periodMs: PERIOD_MS,
    async reconcile() {
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
