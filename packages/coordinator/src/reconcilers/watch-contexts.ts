/**
 * Watches first boots: from when a VM runs its guest has so long to say that it is configured, and once it has said so
 * its seed is removed, if that was asked for.
 */
import { contextStateOf, type ContextRecord, type VmId, type VmRecord } from "@muster/model";
import type { Clock, Log, Reconciler } from "@muster/runtime";
import type { EventLog } from "../events/event-log.ts";
import { put, type Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";
import type { OperationRunner } from "../operations/operation-runner.ts";
import type { RemoveSeedParameters } from "../operations/remove-seed.ts";

const PERIOD_MS = 5_000;
/** Before a removal that failed is tried again. */
const AGAIN_MS = 60_000;

/** What to write of one context now; undefined: nothing. Pure. */
export function contextChange(
  record: ContextRecord,
  now: { readonly wallMs: number; readonly isRunning: boolean },
): ContextRecord | undefined {
  if (!record.reports) return undefined;
  const state = contextStateOf(record);
  if (state === "configured" || state === "failed" || state === "timed-out") return undefined;
  if (record.deadline === undefined) {
    if (!now.isRunning) return undefined;
    return { ...record, deadline: new Date(now.wallMs + record.timeoutMs).toISOString() };
  }
  return Date.parse(record.deadline) <= now.wallMs ? { ...record, timedOut: true } : undefined;
}

/** May its seed go? Pure. */
export const isSeedDone = (record: ContextRecord, vm: VmRecord): boolean =>
  record.removeSeed &&
  record.seed === "present" &&
  contextStateOf(record) === "configured" &&
  vm.created &&
  vm.placement !== undefined &&
  vm.target === undefined &&
  vm.operationId === undefined;

export interface WatchContextsParts {
  readonly ledger: Ledger;
  readonly observations: Observations;
  readonly runner: OperationRunner;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Log;
}

export function watchContexts(parts: WatchContextsParts): Reconciler {
  const { ledger, clock } = parts;
  const triedAtMs = new Map<VmId, number>();
  return {
    name: "watch-contexts",
    periodMs: PERIOD_MS,
    async reconcile() {
      for (const vmId of [...ledger.view.contexts.keys()]) {
        await watchOne(parts, vmId);
        const mayTry = clock.now() - (triedAtMs.get(vmId) ?? -AGAIN_MS) >= AGAIN_MS;
        if (!mayTry || !isRemovable(parts, vmId)) continue;
        triedAtMs.set(vmId, clock.now());
        await submitRemoval(parts, vmId);
      }
      for (const vmId of triedAtMs.keys())
        if (!ledger.view.contexts.has(vmId)) triedAtMs.delete(vmId);
    },
  };
}

const isRunning = ({ observations }: WatchContextsParts, vm: VmRecord | undefined): boolean => {
  const hostId = vm?.placement?.hostId;
  if (vm === undefined || hostId === undefined) return false;
  return observations.get(hostId)?.vms.get(vm.id)?.state === "running";
};

async function watchOne(parts: WatchContextsParts, vmId: VmId): Promise<void> {
  const { ledger, clock, events } = parts;
  const change = (view: LedgerView): ContextRecord | undefined => {
    const record = view.contexts.get(vmId);
    if (record === undefined) return undefined;
    const wallMs = clock.wall().getTime();
    return contextChange(record, { wallMs, isRunning: isRunning(parts, view.vms.get(vmId)) });
  };
  if (change(ledger.view) === undefined) return;
  const changed = await ledger.transact((view) => {
    const record = change(view);
    return { changes: record === undefined ? [] : [put("context", record)], result: record };
  });
  if (changed?.timedOut !== true) return;
  const name = ledger.view.vms.get(vmId)?.spec.name ?? vmId;
  const last = changed.stages.at(-1);
  const where = last === undefined ? "its guest never reported" : `in its ${last.stage} settings`;
  const message = `not configured in time: ${where}; see: muster vm context show ${name}`;
  events.record({ kind: "vm-first-boot", subject: `vm/${name}`, message });
}

function isRemovable({ ledger, observations }: WatchContextsParts, vmId: VmId): boolean {
  const { view } = ledger;
  const [record, vm] = [view.contexts.get(vmId), view.vms.get(vmId)];
  if (record === undefined || vm?.placement === undefined || !isSeedDone(record, vm)) return false;
  const host = view.hosts.get(vm.placement.hostId);
  return host !== undefined && observations.stateOf(host) === "online";
}

async function submitRemoval(
  { ledger, runner, log }: WatchContextsParts,
  vmId: VmId,
): Promise<void> {
  const name = ledger.view.vms.get(vmId)?.spec.name ?? vmId;
  log.info({ vm: name }, "removing the seed of a VM whose guest is configured");
  await runner.submit<RemoveSeedParameters>({ requestId: "", type: "vm-remove-seed" }, (view) => {
    const vm = view.vms.get(vmId);
    return {
      operation: {
        type: "vm-remove-seed",
        subject: `vm/${name}`,
        reason: "its guest is configured, and its context asks for that",
        requestedBy: "muster",
        requestId: "",
        explanation: [],
        parameters: { vmId },
      },
      changes: (operationId) =>
        vm === undefined || vm.operationId !== undefined ? [] : [put("vm", { ...vm, operationId })],
    };
  });
}
