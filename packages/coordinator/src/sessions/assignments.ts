/** What a host should have, from the ledger, and the increment from what it was last told. Pure. */
import {
  CONFIRM_TIMEOUT_DEFAULT_MS,
  isGuarded,
  policyOf,
  sameData,
  type Assignments,
  type ContextRecord,
  type HostId,
  type HostNetworkAssignment,
  type NetworkSpec,
  type ProbeAssignment,
  type VmAssignment,
  type VmId,
} from "@muster/model";
import { haSwitchOf } from "../ha/ha-switch.ts";
import type { LedgerView } from "../ledger/view.ts";
import { hostNetworkOf } from "../planning/host-network.ts";

export interface HostAssignments {
  readonly networks: ReadonlyMap<string, NetworkSpec>;
  readonly vms: ReadonlyMap<VmId, VmAssignment>;
  /** Where the agent finds coordinators. Empty: where it has found them so far. */
  readonly coordinators: readonly string[];
  /** Absent: the host was removed. */
  readonly hostNetwork?: HostNetworkAssignment;
  readonly probes: readonly ProbeAssignment[];
}

/** Of all coordinators that have been there. */
export const coordinatorAddresses = (view: LedgerView): readonly string[] => [
  ...new Set([...view.coordinators.values()].flatMap(({ addresses }) => addresses)),
];

/** What is not in the ledger. */
export interface AssignmentSources {
  readonly attemptOf: (hostId: HostId, revision: string) => number;
  readonly probesOf: (hostId: HostId) => readonly ProbeAssignment[];
  /** How long a host waits to be heard over a change of its networks; absent: ten seconds. */
  readonly confirmTimeoutMs?: number;
}

export function assignmentsOf(
  view: LedgerView,
  hostId: HostId,
  { attemptOf, probesOf, confirmTimeoutMs = CONFIRM_TIMEOUT_DEFAULT_MS }: AssignmentSources,
): HostAssignments {
  const host = view.hosts.get(hostId);
  if (host === undefined)
    return { networks: new Map(), vms: new Map(), probes: [], coordinators: [] };
  const { networks, ...rest } = hostNetworkOf(view, host);
  const isArmed = haSwitchOf(view.cluster).mode === "armed";
  const vms = [...view.vmsOn(hostId).values()].flatMap((vm) => {
    const here = [vm.placement, vm.target].find((placement) => placement?.hostId === hostId);
    if (here === undefined) return [];
    const { name, nics } = vm.spec;
    const policy = policyOf(vm.spec);
    const assignment = {
      id: vm.id,
      name,
      generation: here.generation,
      nics,
      ...(isArmed && isGuarded(policy) ? { guarded: true as const } : {}),
      ...(isListenedTo(view.contexts.get(vm.id)) ? { listen: true as const } : {}),
      ...(policy.autostart && vm.wanted === "running" ? { autostart: true as const } : {}),
    };
    return [[vm.id, assignment] as const];
  });
  return {
    networks: new Map(networks.map((network) => [network.name, network])),
    vms: new Map(vms),
    hostNetwork: {
      ...rest,
      attempt: attemptOf(hostId, rest.revision),
      confirmTimeoutMs,
    },
    probes: probesOf(hostId),
    coordinators: coordinatorAddresses(view),
  };
}

/** Until the guest has said the last it has to say. */
function isListenedTo(context: ContextRecord | undefined): boolean {
  if (context?.reports !== true) return false;
  const last = context.stages.at(-1);
  return last?.stage !== "central" || last.state === "running";
}

/** Complete by itself. */
export function fullAssignments(now: HostAssignments, resultsIn: bigint): Assignments {
  return {
    kind: "assignments",
    appliesTo: 0n,
    resultsIn,
    networks: [...now.networks.values()],
    removedNetworks: [],
    vms: [...now.vms.values()],
    removedVms: [],
    ...(now.coordinators.length === 0 ? {} : { coordinators: now.coordinators }),
    ...(now.hostNetwork === undefined ? {} : { hostNetwork: now.hostNetwork }),
    probes: now.probes,
  };
}

/** Undefined: nothing changed. */
export function increment(
  last: HostAssignments,
  now: HostAssignments,
  appliesTo: bigint,
): Assignments | undefined {
  const networks = changed(last.networks, now.networks);
  const vms = changed(last.vms, now.vms);
  const removedNetworks = [...last.networks.keys()].filter((name) => !now.networks.has(name));
  const removedVms = [...last.vms.keys()].filter((vmId) => !now.vms.has(vmId));
  const size = networks.length + vms.length + removedNetworks.length + removedVms.length;
  const whole = {
    ...(now.hostNetwork === undefined || sameData(last.hostNetwork, now.hostNetwork)
      ? {}
      : { hostNetwork: now.hostNetwork }),
    ...(sameData(last.probes, now.probes) ? {} : { probes: now.probes }),
    ...(sameData(last.coordinators, now.coordinators) ? {} : { coordinators: now.coordinators }),
  };
  if (size === 0 && Object.keys(whole).length === 0) return undefined;
  const resultsIn = appliesTo + 1n;
  return {
    kind: "assignments",
    appliesTo,
    resultsIn,
    networks,
    removedNetworks,
    vms,
    removedVms,
    ...whole,
  };
}

function changed<Key, Value>(
  last: ReadonlyMap<Key, Value>,
  now: ReadonlyMap<Key, Value>,
): readonly Value[] {
  return [...now]
    .filter(([key, value]) => !sameData(last.get(key), value))
    .map(([, value]) => value);
}
