/**
 * The cluster as the planner sees it, from what is decided (ledger) and what the hosts say (observations). Pure.
 * Claims are the ledger's placements and targets: they are charged from the moment of decision.
 */
import { isActive, type HostRecord, type VmId, type VmRecord } from "@muster/model";
import type { ClaimSnapshot, HostSnapshot, Snapshot, VmShape, VmSnapshot } from "@muster/planner";
import type { LedgerView } from "../ledger/view.ts";
import type { HostObservation, Observations } from "../observations/observations.ts";

export interface CapacityPolicy {
  /** VM cpus promised per hardware thread. */
  readonly cpuOvercommit: number;
  /** Kept for the host itself. */
  readonly memoryReservedBytes: bigint;
  /** Largest number of VMs on one host. */
  readonly vmsPerHostMax: number;
}

export function clusterSnapshot(
  view: LedgerView,
  observations: Observations,
  policy: CapacityPolicy,
): Snapshot {
  const hosts = [...view.hosts.values()].map((host) =>
    hostSnapshot(host, { view, observations, policy }),
  );
  return {
    version: view.cluster.operationCount,
    hosts,
    vms: [...view.vms.values()].map((vm) => vmSnapshot(vm, observations)),
    claims: [...view.vms.values()].flatMap(claimsOf),
  };
}

export function shapeOf(vm: Pick<VmRecord, "spec">): VmShape {
  const { spec } = vm;
  return {
    cpus: spec.cpus,
    memoryBytes: spec.memoryBytes,
    networks: [...new Set(spec.nics.map((nic) => nic.network))],
    disks: spec.disks.map(({ storage, sizeBytes }) => ({ storage, sizeBytes })),
    antiAffinity: spec.antiAffinityGroups,
    ...(spec.machineType === undefined ? {} : { machineType: spec.machineType }),
    ...(spec.cpuModel === undefined ? {} : { cpuMode: "custom", cpuModel: spec.cpuModel }),
  };
}

function claimsOf(vm: VmRecord): readonly ClaimSnapshot[] {
  if (vm.target === undefined) return [];
  return [{ ...shapeOf(vm), vmId: vm.id, hostId: vm.target.hostId }];
}

function vmSnapshot(vm: VmRecord, observations: Observations): VmSnapshot {
  const hostId = vm.placement?.hostId;
  const seen = hostId === undefined ? undefined : observations.get(hostId)?.vms.get(vm.id);
  const state = !vm.created ? "starting" : seen?.state === "running" ? "running" : "stopped";
  const isOn = seen?.state === "running" || seen?.state === "paused";
  const virtualization =
    hostId === undefined ? "" : observations.get(hostId)?.inventory?.virtualization;
  return {
    ...shapeOf(vm),
    id: vm.id,
    name: vm.spec.name,
    state: seen?.state === "paused" ? "paused" : state,
    // Only a running VM moves live, and without a model of its own it needs its host's processor again.
    ...(isOn ? {} : { movable: false }),
    ...(vm.spec.cpuModel === undefined && virtualization === "kvm" ? { cpuMode: "host" } : {}),
    ...(hostId === undefined ? {} : { hostId }),
  };
}

interface Sources {
  readonly view: LedgerView;
  readonly observations: Observations;
  readonly policy: CapacityPolicy;
}

function hostSnapshot(host: HostRecord, sources: Sources): HostSnapshot {
  const { view, observations, policy } = sources;
  const observed = observations.get(host.id);
  const inventory = observed?.inventory;
  return {
    id: host.id,
    name: host.name,
    state: observations.stateOf(host),
    cordoned: host.cordoned,
    capacity: {
      cpus: inventory?.cpu.logicalCpus ?? 0,
      cpuOvercommit: policy.cpuOvercommit,
      memoryBytes: inventory?.memoryBytes ?? 0n,
      memoryReservedBytes: policy.memoryReservedBytes,
      vmsMax: policy.vmsPerHostMax,
    },
    foreign: foreignUse(observed, view),
    networks: [...(observed?.networks.values() ?? [])]
      .filter((network) => network.state === "ready")
      .filter((network) => view.networks.get(network.name)?.removing === false)
      .map((network) => network.name),
    storages: (inventory?.storages ?? []).map((storage) => ({
      name: storage.name,
      freeBytes: storage.availableBytes,
      shared: storage.shared,
    })),
    cpuModels: inventory?.cpu.usableModels ?? [],
    // A guest that sees its host's own processor moves only where the model and all its extras are.
    cpuFeatures: inventory === undefined ? [] : [inventory.cpu.model, ...inventory.cpu.features],
    machineTypes: inventory?.machineTypes ?? [],
  };
}

/** What runs on the host that the ledger does not charge there: wild VMs, and managed ones we have forgotten. */
function foreignUse(
  observed: HostObservation | undefined,
  view: LedgerView,
): { readonly cpus: number; readonly memoryBytes: bigint } {
  let cpus = 0;
  let memoryBytes = 0n;
  for (const vm of observed?.vms.values() ?? []) {
    if (view.vms.has(vm.id) || !isActive(vm.state)) continue;
    cpus += vm.cpus;
    memoryBytes += vm.memoryBytes;
  }
  return { cpus, memoryBytes };
}

export const requestFor = (vm: { readonly id: VmId; readonly spec: VmRecord["spec"] }) => ({
  ...shapeOf(vm),
  id: vm.id,
  name: vm.spec.name,
});
