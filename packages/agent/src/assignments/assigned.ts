/** What the coordinator assigned to this host: full state, then chained increments. Pure. */
import type {
  Assignments,
  HostNetworkAssignment,
  NetworkSpec,
  ProbeAssignment,
  VmAssignment,
} from "@muster/model";

export interface Assigned {
  readonly revision: bigint;
  readonly networks: readonly NetworkSpec[];
  readonly vms: readonly VmAssignment[];
  /** Absent: the coordinator does not know of transactions. */
  readonly hostNetwork?: HostNetworkAssignment;
  readonly probes?: readonly ProbeAssignment[];
}

/** Undefined: an increment in between was lost, and a full state is needed. */
export function applyAssignments(
  before: Assigned | undefined,
  message: Assignments,
): Assigned | undefined {
  const { hostNetwork, probes, resultsIn: revision } = message;
  const said = {
    ...(hostNetwork === undefined ? {} : { hostNetwork }),
    ...(probes === undefined ? {} : { probes }),
  };
  if (message.appliesTo === 0n) {
    return { revision, networks: message.networks, vms: message.vms, ...said };
  }
  if (before?.revision !== message.appliesTo) return undefined;
  return {
    ...before,
    ...said,
    revision,
    networks: merge(
      before.networks,
      message.networks,
      message.removedNetworks,
      (spec) => spec.name,
    ),
    vms: merge(before.vms, message.vms, message.removedVms, (vm) => vm.id),
  };
}

function merge<Value, Key>(
  before: readonly Value[],
  changed: readonly Value[],
  removed: readonly Key[],
  keyOf: (value: Value) => Key,
): readonly Value[] {
  const table = new Map(before.map((value) => [keyOf(value), value]));
  for (const key of removed) table.delete(key);
  for (const value of changed) table.set(keyOf(value), value);
  return [...table.values()];
}
