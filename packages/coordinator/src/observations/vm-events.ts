/** Tells people what happens to VMs, in a sentence. */
import type { VmObservation } from "@muster/model";
import type { EventLog } from "../events/event-log.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { VmTransition } from "./observations.ts";

export function recordTransition(
  transition: VmTransition,
  view: LedgerView,
  events: EventLog,
): void {
  const { before, after, hostId, vmId } = transition;
  const message = describe(before, after);
  if (message === undefined) return;
  const record = view.vms.get(vmId);
  const name = record?.spec.name ?? (after ?? before)?.name ?? vmId;
  const host = view.hosts.get(hostId)?.name ?? hostId;
  const kind = record === undefined ? "wild-vm-changed" : "vm-changed";
  events.record({
    kind,
    subject: `vm/${name}`,
    message,
    host,
    operationId: record?.operationId ?? "",
  });
}

function describe(
  before: VmObservation | undefined,
  after: VmObservation | undefined,
): string | undefined {
  if (after === undefined) return before === undefined ? undefined : `gone (was ${before.state})`;
  const because = after.reason === "" ? "" : ` (${after.reason})`;
  if (before === undefined) return `${after.state}${because}`;
  if (before.state !== after.state) return `${before.state} → ${after.state}${because}`;
  if (before.migrating !== after.migrating)
    return after.migrating ? "moving away" : "no longer moving";
  return undefined;
}
