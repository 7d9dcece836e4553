/** What a host should have, from the ledger, and the increment from what it was last told. Pure. */
import {
  isChosen,
  isGuarded,
  policyOf,
  sameData,
  type Assignments,
  type HostId,
  type HostRecord,
  type NetworkRecord,
  type NetworkSpec,
  type VmAssignment,
  type VmId,
} from "@muster/model";
import { haSwitchOf } from "../ha/ha-switch.ts";
import type { LedgerView } from "../ledger/view.ts";

export interface HostAssignments {
  readonly networks: ReadonlyMap<string, NetworkSpec>;
  readonly vms: ReadonlyMap<VmId, VmAssignment>;
  /** Where the agent finds coordinators. Empty: where it has found them so far. */
  readonly coordinators: readonly string[];
}

/** Of all coordinators that have been there. */
export const coordinatorAddresses = (view: LedgerView): readonly string[] => [
  ...new Set([...view.coordinators.values()].flatMap(({ addresses }) => addresses)),
];

export const shouldHave = (network: NetworkRecord, host: HostRecord): boolean =>
  !network.removing && isChosen(network.spec.hosts, host);

export function assignmentsOf(view: LedgerView, hostId: HostId): HostAssignments {
  const host = view.hosts.get(hostId);
  if (host === undefined) return { networks: new Map(), vms: new Map(), coordinators: [] };
  const networks = [...view.networks.values()]
    .filter((network) => shouldHave(network, host))
    .map((network) => [network.spec.name, network.spec] as const);
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
      ...(policy.autostart && vm.wanted === "running" ? { autostart: true as const } : {}),
    };
    return [[vm.id, assignment] as const];
  });
  const coordinators = coordinatorAddresses(view);
  return { networks: new Map(networks), vms: new Map(vms), coordinators };
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
  const isMoved = now.coordinators.join() !== last.coordinators.join();
  if (size === 0 && !isMoved) return undefined;
  const resultsIn = appliesTo + 1n;
  const changes = { networks, removedNetworks, vms, removedVms };
  const coordinators = isMoved ? { coordinators: now.coordinators } : {};
  return { kind: "assignments", appliesTo, resultsIn, ...changes, ...coordinators };
}

function changed<Key, Value>(
  last: ReadonlyMap<Key, Value>,
  now: ReadonlyMap<Key, Value>,
): readonly Value[] {
  return [...now]
    .filter(([key, value]) => !sameData(last.get(key), value))
    .map(([, value]) => value);
}
