/**
 * libvirt is the truth about where a VM is: when somebody moves one behind our back, the ledger follows. Only free VMs
 * (no operation works on them), and only when both hosts are heard and the old one is sure not to have it any more.
 */
import {
  isActive,
  type HostId,
  type Placement,
  type VmObservation,
  type VmRecord,
} from "@muster/model";
import type { Log, Reconciler } from "@muster/runtime";
import type { EventLog } from "../events/event-log.ts";
import { put, type Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { HostObservation, Observations } from "../observations/observations.ts";
import { TRANSACTION_RECORDS_MAX } from "../store/store.ts";

export interface Relocation {
  readonly vm: VmRecord;
  readonly from: HostId;
  readonly placement: Placement;
}

/** Pure. */
export function planRelocations(
  view: LedgerView,
  hosts: ReadonlyMap<HostId, HostObservation>,
): readonly Relocation[] {
  return [...view.vms.values()].flatMap((vm): readonly Relocation[] => {
    if (vm.operationId !== undefined || vm.placement === undefined) return [];
    const placedOn = hosts.get(vm.placement.hostId);
    if (placedOn?.connected !== true || !placedOn.reported) return [];
    const here = placedOn.vms.get(vm.id);
    if (here !== undefined && (isActive(here.state) || here.migrating)) return [];
    // Where it is defined says something only when its own host does not have it at all.
    const counts = (seen: VmObservation): boolean =>
      seen.managed && !seen.migrating && (here === undefined || isActive(seen.state));
    const elsewhere = [...hosts].filter(([hostId, host]) => {
      const seen = host.connected && host.reported ? host.vms.get(vm.id) : undefined;
      return view.hosts.has(hostId) && seen !== undefined && counts(seen);
    });
    const [only, second] = elsewhere;
    if (only === undefined || second !== undefined) return [];
    const generation = Math.max(vm.placement.generation, only[1].vms.get(vm.id)?.generation ?? 0);
    return [{ vm, from: vm.placement.hostId, placement: { hostId: only[0], generation } }];
  });
}

/** Reports arrive one after another; a VM that is just being moved by hand must not flap. */
const PERIOD_MS = 5_000;

export function trackPlacements(parts: {
  readonly ledger: Ledger;
  readonly observations: Observations;
  readonly events: EventLog;
  readonly log: Log;
}): Reconciler {
  const { ledger, observations, events, log } = parts;
  return {
    name: "track-placements",
    periodMs: PERIOD_MS,
    async reconcile() {
      if (planRelocations(ledger.view, observations.hosts()).length === 0) return;
      const moved = await ledger.transact((view) => {
        // More are followed by the next pass.
        const relocations = planRelocations(view, observations.hosts()).slice(
          0,
          TRANSACTION_RECORDS_MAX,
        );
        const changes = relocations.map(({ vm, placement }) => put("vm", { ...vm, placement }));
        return { changes, result: relocations };
      });
      for (const { vm, from, placement } of moved) {
        const [left, now] = [from, placement.hostId].map(
          (id) => ledger.view.hosts.get(id)?.name ?? id,
        );
        log.info({ vmId: vm.id, from: left, to: now }, "vm found on another host");
        events.record({
          kind: "vm-relocated",
          subject: `vm/${vm.spec.name}`,
          message: `somebody moved it from ${left ?? ""} to ${now ?? ""}`,
          host: now ?? "",
        });
      }
    },
  };
}
