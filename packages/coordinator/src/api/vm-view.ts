/** A VM as people see it: decision and observation together, and what ails it. Pure. */
import { assertNever, isActive, type VmId, type VmObservation, type VmRecord } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";

export type VmDisplayState =
  | "creating"
  | "stopped"
  | "running"
  | "paused"
  | "stopping"
  | "migrating"
  | "crashed"
  | "unknown"
  | "missing"
  | "deleting";

export interface VmView {
  readonly record: VmRecord;
  readonly state: VmDisplayState;
  readonly hostName: string;
  readonly targetHostName: string;
  readonly observed: VmObservation | undefined;
  readonly observedAgeMs: number;
  readonly trouble: string;
}

export interface Sources {
  readonly view: LedgerView;
  readonly observations: Observations;
}

export function vmView(record: VmRecord, sources: Sources): VmView {
  const { view, observations } = sources;
  const host = record.placement === undefined ? undefined : view.hosts.get(record.placement.hostId);
  const target = record.target === undefined ? undefined : view.hosts.get(record.target.hostId);
  const observed = host === undefined ? undefined : observations.get(host.id)?.vms.get(record.id);
  return {
    record,
    state: displayState(record, sources, observed),
    hostName: host?.name ?? "",
    targetHostName: target?.name ?? "",
    observed,
    observedAgeMs: host === undefined ? 0 : Math.round(observations.silentMs(host.id) ?? 0),
    trouble: troubleOf(record, sources, observed),
  };
}

const creating: ReadonlySet<string> = new Set(["vm-create", "cluster-boot", "cluster-grow"]);
const deleting: ReadonlySet<string> = new Set(["vm-delete", "cluster-clean"]);

function displayState(
  record: VmRecord,
  { view, observations }: Sources,
  observed: VmObservation | undefined,
): VmDisplayState {
  const operation =
    record.operationId === undefined ? undefined : view.operations.get(record.operationId);
  const type = operation?.type ?? "";
  if (deleting.has(type)) return "deleting";
  if (creating.has(type) && !record.created) return "creating";
  if (record.target !== undefined) return "migrating";
  const host = record.placement === undefined ? undefined : view.hosts.get(record.placement.hostId);
  if (host === undefined || observations.stateOf(host) !== "online") return "unknown";
  return observed === undefined ? "missing" : stateWord(observed);
}

function stateWord(observed: VmObservation): VmDisplayState {
  switch (observed.state) {
    case "stopped":
    case "running":
    case "paused":
    case "stopping":
    case "crashed":
      return observed.state;
    default:
      return assertNever(observed.state);
  }
}

function troubleOf(
  record: VmRecord,
  { view, observations }: Sources,
  observed: VmObservation | undefined,
): string {
  const runners = runnersOf(record.id, { view, observations });
  if (runners.length > 1 && record.target === undefined)
    return `runs on more than one host: ${runners.join(", ")}`;
  if (record.operationId !== undefined) return "";
  if (!record.created)
    return "its creation failed and could not be undone; remove it with: muster vm rm --force";
  const host = record.placement === undefined ? undefined : view.hosts.get(record.placement.hostId);
  if (host === undefined) return "its host was removed";
  if (observations.stateOf(host) !== "online") return `host ${host.name} is not connected`;
  if (observations.get(host.id)?.libvirtAlive === false)
    return `libvirt on ${host.name} does not answer`;
  if (observed === undefined) return `host ${host.name} does not have it`;
  return "";
}

/** Names of the connected hosts on which a managed VM is active. */
export function runnersOf(vmId: VmId, { view, observations }: Sources): readonly string[] {
  const names: string[] = [];
  for (const hostId of observations.hostsWith(vmId)) {
    const observation = observations.get(hostId);
    if (observation?.connected !== true) continue;
    const vm = observation.vms.get(vmId);
    if (vm?.managed === true && isActive(vm.state))
      names.push(view.hosts.get(hostId)?.name ?? hostId);
  }
  return names.toSorted();
}
