/** VMs to the wire. */
import { assertNever, type VmObservation } from "@muster/model";
import { encodeVmObservation, encodeVmSpec } from "@muster/model/wire";
import * as pb from "@muster/proto/admin";
import type { LedgerView } from "../ledger/view.ts";
import { encodeRules } from "./decode-rules.ts";
import type { VmDisplayState, VmView } from "./vm-view.ts";

export function encodeVm(vm: VmView, view: LedgerView): pb.Vm {
  const { record } = vm;
  return {
    id: record.id,
    spec: encodeVmSpec(record.spec),
    name: record.spec.name,
    state: encodeDisplayState(vm.state),
    host: vm.hostName,
    observed: vm.observed === undefined ? undefined : encodeVmObservation(vm.observed),
    observedAgeMs: BigInt(vm.observedAgeMs),
    managed: true,
    generation: record.placement?.generation ?? 0,
    operationId: record.operationId ?? "",
    createdAt: record.createdAt,
    targetHost: vm.targetHostName,
    trouble: vm.trouble,
    rules: encodeRules(record.rules, view),
    awayFrom: record.away === undefined ? "" : (view.hosts.get(record.away)?.name ?? record.away),
    wanted: record.wanted ?? "",
    restarts: record.recovery?.restartsMs.length ?? 0,
    haError: record.recovery?.error?.message ?? "",
  };
}

/** Of a managed VM that is not in the ledger. */
export const WILD_TROUBLE = "marked as ours, but this cluster does not know it";

/** A wild VM, or a managed one that the ledger does not know. */
export function encodeWildVm(observed: VmObservation, host: string, ageMs: number): pb.Vm {
  return {
    id: observed.id,
    spec: undefined,
    name: observed.name,
    state: encodeDisplayState(observed.state),
    host,
    observed: encodeVmObservation(observed),
    observedAgeMs: BigInt(Math.round(ageMs)),
    managed: observed.managed,
    generation: observed.generation,
    operationId: "",
    createdAt: "",
    targetHost: "",
    trouble: observed.managed ? WILD_TROUBLE : "",
    rules: undefined,
    awayFrom: "",
    wanted: "",
    restarts: 0,
    haError: "",
  };
}

function encodeDisplayState(state: VmDisplayState): pb.VmDisplayState {
  switch (state) {
    case "creating":
      return pb.VmDisplayState.CREATING;
    case "stopped":
      return pb.VmDisplayState.STOPPED;
    case "running":
      return pb.VmDisplayState.RUNNING;
    case "paused":
      return pb.VmDisplayState.PAUSED;
    case "stopping":
      return pb.VmDisplayState.STOPPING;
    case "migrating":
      return pb.VmDisplayState.MIGRATING;
    case "crashed":
      return pb.VmDisplayState.CRASHED;
    case "unknown":
      return pb.VmDisplayState.UNKNOWN;
    case "missing":
      return pb.VmDisplayState.MISSING;
    case "deleting":
      return pb.VmDisplayState.DELETING;
    default:
      return assertNever(state);
  }
}
