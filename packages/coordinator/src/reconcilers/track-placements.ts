/**
 * libvirt is the truth about where a VM is: when somebody moves one behind our back, the ledger follows. Only free VMs
 * (no operation works on them), and only when both hosts are heard and the old one is sure not to have it any more.
 */
import {
  isActive,
  sameData,
  type HostId,
  type Placement,
  type VmId,
  type VmObservation,
  type VmRecord,
} from "@muster/model";
import type { Log, Reconciler } from "@muster/runtime";
import type { EventLog } from "../events/event-log.ts";
import { put, type Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { HostObservation, Observations, VmTransition } from "../observations/observations.ts";
import { TRANSACTION_RECORDS_MAX } from "../store/store.ts";

export interface Relocation {
  readonly vm: VmRecord;
  readonly from: HostId;
  readonly placement: Placement;
}

/** Managed VMs that a host has and the ledger has elsewhere. Pure. */
export type StrangersOn = (hostId: HostId, host: HostObservation) => readonly VmId[];

export const strangersOn =
  (view: LedgerView): StrangersOn =>
  (hostId, host) =>
    [...host.vms.values()]
      .filter(({ id, managed }) => {
        const placement = managed ? view.vms.get(id)?.placement : undefined;
        return placement !== undefined && placement.hostId !== hostId;
      })
      .map(({ id }) => id);

/**
 * The same, looked at once for every report: a report is never changed, a newer one takes its place. What the ledger
 * changes in between is noticed with the next full report, within a minute.
 */
function rememberedStrangers(look: StrangersOn): StrangersOn {
  const seen = new WeakMap<HostObservation["vms"], readonly VmId[]>();
  return (hostId, host) => {
    const known = seen.get(host.vms);
    if (known !== undefined) return known;
    const found = look(hostId, host);
    seen.set(host.vms, found);
    return found;
  };
}

/** Pure. */
export function planRelocations(
  view: LedgerView,
  hosts: ReadonlyMap<HostId, HostObservation>,
  strangers: StrangersOn = strangersOn(view),
): readonly Relocation[] {
  const seenOn = new Map<VmId, readonly HostId[]>();
  for (const [hostId, host] of hosts) {
    if (!host.connected || !host.reported || !view.hosts.has(hostId)) continue;
    for (const vmId of strangers(hostId, host)) {
      seenOn.set(vmId, [...(seenOn.get(vmId) ?? []), hostId]);
    }
  }
  return [...seenOn].flatMap(([vmId, hostIds]): readonly Relocation[] => {
    const vm = view.vms.get(vmId);
    if (vm?.placement === undefined || vm.operationId !== undefined) return [];
    const { placement } = vm;
    const placedOn = hosts.get(placement.hostId);
    if (placedOn?.connected !== true || !placedOn.reported) return [];
    const here = placedOn.vms.get(vmId);
    if (here !== undefined && (isActive(here.state) || here.migrating)) return [];
    // Where it is defined says something only when its own host does not have it at all; where it runs, only when it
    // did not leave from there: a report may be older than the move.
    const counts = (seen: VmObservation | undefined): boolean =>
      seen?.managed === true &&
      !seen.migrating &&
      (isActive(seen.state) ? seen.generation >= placement.generation : here === undefined);
    const elsewhere = hostIds.filter(
      (hostId) => hostId !== placement.hostId && counts(hosts.get(hostId)?.vms.get(vmId)),
    );
    const [only, second] = elsewhere;
    if (only === undefined || second !== undefined) return [];
    const seen = hosts.get(only)?.vms.get(vmId);
    const generation = Math.max(placement.generation, seen?.generation ?? 0);
    return [{ vm, from: placement.hostId, placement: { hostId: only, generation } }];
  });
}

/** Whether a change of one VM is worth a look at once: it came, went, or began or ceased to run. Pure. */
export function mayHaveMoved({ before, after }: Pick<VmTransition, "before" | "after">): boolean {
  if (before === undefined || after === undefined) return true;
  const [was, is] = [before, after].map(({ state, migrating, managed }) => ({
    runs: isActive(state),
    migrating,
    managed,
  }));
  return !sameData(was, is);
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
  const strangers = rememberedStrangers((hostId, host) => strangersOn(ledger.view)(hostId, host));
  return {
    name: "track-placements",
    periodMs: PERIOD_MS,
    async reconcile() {
      if (planRelocations(ledger.view, observations.hosts(), strangers).length === 0) return;
      const moved = await ledger.transact((view) => {
        // More are followed by the next pass.
        const relocations = planRelocations(view, observations.hosts(), strangers).slice(
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
