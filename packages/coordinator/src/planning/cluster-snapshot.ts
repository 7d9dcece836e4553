/**
 * The cluster as the planner sees it, from what is decided (ledger) and what the hosts say (observations). Pure.
 * Claims are the ledger's placements and targets, and the records of claims: charged from the moment of decision.
 * Each part depends on few things, so that `snapshot-keeper.ts` makes anew only what changed.
 */
import type {
  ClaimRecord,
  ClusterPolicy,
  HostId,
  HostInventory,
  HostRecord,
  VmId,
  VmRecord,
  VmRules,
} from "@muster/model";
import { isActive } from "@muster/model";
import type {
  ClaimSnapshot,
  GroupRule,
  HostCapacity,
  HostSnapshot,
  Policy,
  Snapshot,
  VmMeasured,
  VmShape,
  VmSnapshot,
} from "@muster/planner";
import type { LedgerView } from "../ledger/view.ts";
import type { HostObservation, Observations } from "../observations/observations.ts";
import { linkBytesPerSecond, measuredHost } from "./measured-host.ts";
import { usableNetworks } from "./usable-networks.ts";

export interface CapacityPolicy {
  /** VM cpus promised per hardware thread. */
  readonly cpuOvercommit: number;
  /** Kept for the host itself. */
  readonly memoryReservedBytes: bigint;
  /** Largest number of VMs on one host. */
  readonly vmsPerHostMax: number;
}

/** What a VM was measured to use lately on the host it is placed on. */
export type MeasuredVms = (vmId: VmId, hostId: HostId) => VmMeasured | undefined;

export function clusterSnapshot(
  view: LedgerView,
  observations: Observations,
  policy: CapacityPolicy,
  measured: MeasuredVms = () => undefined,
): Snapshot {
  return {
    ...wholeOf(view),
    hosts: [...view.hosts.values()].map((host) => hostPart(host, { view, observations, policy })),
    vms: [...view.vms.values()].map((vm) => vmPart(vm, { observations, measured })),
    claims: [
      ...[...view.vms.values()].flatMap(targetClaim),
      ...[...view.claims.values()].map(waitingClaim),
    ],
  };
}

/** What is not about a single host or VM. */
export const wholeOf = (view: LedgerView): Omit<Snapshot, "hosts" | "vms" | "claims"> => ({
  version: view.cluster.operationCount,
  rules: [...view.rules.values()].map(({ spec }): GroupRule => ({ ...spec })),
  topologyLevels: view.policy.topologyLevels,
  policy: policyPart(view.policy),
});

const policyPart = ({ survive, environments }: ClusterPolicy): Policy => ({
  environments,
  ...(survive === undefined ? {} : { survive }),
});

export function shapeOf(vm: Pick<VmRecord, "spec" | "rules">): VmShape {
  const { spec } = vm;
  return {
    cpus: spec.cpus,
    memoryBytes: spec.memoryBytes,
    networks: [...new Set(spec.nics.map((nic) => nic.network))],
    disks: spec.disks.map(({ storage, sizeBytes }) => ({ storage, sizeBytes })),
    antiAffinity: spec.antiAffinityGroups,
    ...imagePart(spec),
    ...(spec.machineType === undefined ? {} : { machineType: spec.machineType }),
    ...(spec.cpuModel === undefined ? {} : { cpuMode: "custom", cpuModel: spec.cpuModel }),
    ...shapeOfRules(vm.rules),
  };
}

/** The first is the one the guest boots from, and as a rule the largest. */
function imagePart({ disks }: VmRecord["spec"]): Partial<VmShape> {
  const image = disks.find((disk) => disk.image !== undefined)?.image;
  return image === undefined ? {} : { image };
}

/** What rules ask of a host, as the planner names it. */
export function shapeOfRules(rules: VmRules | undefined): Partial<VmShape> {
  if (rules === undefined) return {};
  const { groups, hostLabels, pinnedTo, environment, pool, tenant } = rules;
  return {
    ...(groups === undefined ? {} : { groups }),
    ...(hostLabels === undefined ? {} : { hostLabels }),
    ...(pinnedTo === undefined ? {} : { pinnedTo }),
    ...(environment === undefined ? {} : { environment }),
    ...(pool === undefined ? {} : { pool }),
    ...(tenant === undefined ? {} : { tenant }),
  };
}

/** Where a VM belongs: where a drain took it from, else its home. */
export const homeOf = (vm: Pick<VmRecord, "away" | "rules">) => vm.away ?? vm.rules?.home;

const homePart = (vm: Pick<VmRecord, "away" | "rules">) => {
  const homeHostId = homeOf(vm);
  return homeHostId === undefined ? {} : { homeHostId };
};

/** The claim of a VM that is on its way. */
export function targetClaim(vm: VmRecord): readonly ClaimSnapshot[] {
  if (vm.target === undefined) return [];
  return [{ ...shapeOf(vm), vmId: vm.id, hostId: vm.target.hostId }];
}

/** A claim that waits for its VM. */
export const waitingClaim = (claim: ClaimRecord): ClaimSnapshot => ({
  ...shapeOfClaim(claim),
  vmId: claim.id,
  hostId: claim.hostId,
});

export const shapeOfClaim = ({ cpus, memoryBytes, networks, rules }: ClaimRecord): VmShape => ({
  cpus,
  memoryBytes,
  networks,
  ...shapeOfRules(rules),
});

export function vmPart(
  vm: VmRecord,
  {
    observations,
    measured,
  }: { readonly observations: Observations; readonly measured: MeasuredVms },
): VmSnapshot {
  const hostId = vm.placement?.hostId;
  const host = hostId === undefined ? undefined : observations.get(hostId);
  const seen = host?.vms.get(vm.id);
  const state = !vm.created ? "starting" : seen?.state === "running" ? "running" : "stopped";
  const isOn = seen?.state === "running" || seen?.state === "paused";
  const seesHost = vm.spec.cpuModel === undefined && host?.inventory?.virtualization === "kvm";
  const use = isOn && hostId !== undefined ? measured(vm.id, hostId) : undefined;
  return {
    ...shapeOf(vm),
    id: vm.id,
    name: vm.spec.name,
    state: seen?.state === "paused" ? "paused" : state,
    // Only a running VM moves live, and without a model of its own it needs its host's processor again.
    ...(isOn ? {} : { movable: false }),
    ...(seesHost ? { cpuMode: "host" } : {}),
    ...(hostId === undefined ? {} : { hostId }),
    ...homePart(vm),
    ...priorityPart(vm),
    ...(use === undefined ? {} : { measured: use }),
  };
}

/** What people said for plans, else for restarts after a failure. */
function priorityPart({ rules, spec }: VmRecord): Pick<VmSnapshot, "priority"> {
  const priority = rules?.priority ?? spec.ha?.priority;
  return priority === undefined ? {} : { priority };
}

interface Sources {
  readonly view: LedgerView;
  readonly observations: Observations;
  readonly policy: CapacityPolicy;
}

export function hostPart(host: HostRecord, sources: Sources): HostSnapshot {
  const { view, observations, policy } = sources;
  const observed = observations.get(host.id);
  const inventory = observed?.inventory;
  const { usable, problems } = usableNetworks(view, host, observations);
  const link = linkBytesPerSecond(observed);
  const measured = measuredHost(observed);
  return {
    id: host.id,
    name: host.name,
    state: observations.stateOf(host),
    cordoned: host.cordoned,
    capacity: capacityPart(host, inventory, policy),
    foreign: foreignUse(observed, view),
    networks: usable,
    ...(problems.length === 0 ? {} : { networkProblems: problems }),
    storages: (inventory?.storages ?? []).map((storage) => ({
      name: storage.name,
      freeBytes: storage.availableBytes,
      shared: storage.shared,
    })),
    cpuModels: inventory?.cpu.usableModels ?? [],
    // A guest that sees its host's own processor moves only where the model and all its extras are.
    cpuFeatures: inventory === undefined ? [] : [inventory.cpu.model, ...inventory.cpu.features],
    machineTypes: inventory?.machineTypes ?? [],
    ...traitsPart(host),
    ...(link === undefined ? {} : { linkBytesPerSecond: link }),
    ...imagesPart(inventory),
    ...(measured === undefined ? {} : { measured }),
  };
}

const imagesPart = (inventory: HostInventory | undefined): Partial<HostSnapshot> =>
  inventory?.images === undefined
    ? {}
    : { imagesCached: inventory.images.images.map(({ digest }) => digest).toSorted() };

function traitsPart({ traits }: HostRecord): Partial<HostSnapshot> {
  if (traits === undefined) return {};
  const { labels, failureDomain, environment, pool, tenants } = traits;
  return {
    ...(labels === undefined ? {} : { labels }),
    ...(failureDomain === undefined ? {} : { failureDomain }),
    ...(environment === undefined ? {} : { environment }),
    ...(pool === undefined ? {} : { pool }),
    ...(tenants === undefined ? {} : { tenants }),
  };
}

/** What may be placed on a host: what it has, what is kept for itself, what is promised beyond. */
export function capacityPart(
  { traits }: Pick<HostRecord, "traits">,
  inventory: HostInventory | undefined,
  policy: CapacityPolicy,
): HostCapacity {
  return {
    cpus: inventory?.cpu.logicalCpus ?? 0,
    cpuOvercommit: traits?.cpuOvercommit ?? policy.cpuOvercommit,
    memoryBytes: inventory?.memoryBytes ?? 0n,
    memoryReservedBytes: traits?.memoryReservedBytes ?? policy.memoryReservedBytes,
    vmsMax: policy.vmsPerHostMax,
    ...(traits?.cpusReserved === undefined ? {} : { cpusReserved: traits.cpusReserved }),
    ...(traits?.memoryOvercommit === undefined
      ? {}
      : { memoryOvercommit: traits.memoryOvercommit }),
    numaCells: (inventory?.numaCells ?? []).map(({ id, cpus, memoryBytes }) => ({
      id,
      cpus: cpus.length,
      memoryBytes,
    })),
    hugepages: hugepagesOf(inventory),
  };
}

/** Pages of a size in all cells together. */
function hugepagesOf(inventory: HostInventory | undefined) {
  const counts = new Map<bigint, bigint>();
  for (const { hugePages } of inventory?.numaCells ?? []) {
    for (const { pageBytes, total } of hugePages) {
      counts.set(pageBytes, (counts.get(pageBytes) ?? 0n) + total);
    }
  }
  return [...counts]
    .filter(([, count]) => count > 0n)
    .map(([pageBytes, count]) => ({ pageBytes, count: Number(count) }));
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

/** A VM as a question to the planner. */
export const requestFor = (vm: Pick<VmRecord, "id" | "spec" | "rules" | "away">) => ({
  ...shapeOf(vm),
  ...homePart(vm),
  id: vm.id,
  name: vm.spec.name,
});
