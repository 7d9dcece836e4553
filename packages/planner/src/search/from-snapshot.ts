import { compileLoad, compileWant } from "../compile.ts";
import type { Snapshot, VmSnapshot } from "../snapshot.ts";
import { StaticVerdicts } from "../static-verdicts.ts";
import { toMiB } from "../units.ts";
import { ClusterUsage } from "../usage.ts";
import type { Want } from "../want.ts";
import type { BalanceProblem, SearchRule } from "./problem.ts";

/** What is to be even over the hosts, and what else counts. Zero leaves a term out. */
export interface BalanceWeights {
  /** Free memory over all memory. */
  readonly memory: number;
  /** CPUs promised per thread. */
  readonly cpu: number;
  /** Number of VMs. */
  readonly count: number;
  /** Measured CPU use over threads; VMs that were not measured count as idle. */
  readonly measuredCpu: number;
  /** Measured memory use over all memory. */
  readonly measuredMemory: number;
  /** For each member too many under a preferred spread rule, and each domain too many under a pack rule. */
  readonly softRule: number;
  /** For each VM away from where it is now: the least a move must gain to be worth making. */
  readonly perMove: number;
  /** The same for each GiB of memory of the VM. */
  readonly perGiBMoved: number;
}

/** Evenness of what is promised and of what is used alike. A move must gain something a person would see. */
export const DEFAULT_BALANCE_WEIGHTS: BalanceWeights = {
  memory: 1,
  cpu: 1,
  count: 0,
  measuredCpu: 1,
  measuredMemory: 1,
  softRule: 2,
  perMove: 2e-5,
  perGiBMoved: 1e-6,
};

/** What a VM on a host that is not online costs: more than any unevenness. */
const STRANDED_PENALTY = 20;

export interface SnapshotProblem {
  readonly problem: BalanceProblem;
  /** By VM index of the problem. */
  readonly vms: readonly VmSnapshot[];
  /** By host index of the problem. */
  readonly hostIds: readonly string[];
}

/** The VMs that are on a known host, as a problem for the local search. */
export function problemFrom(snapshot: Snapshot, weights: BalanceWeights): SnapshotProblem {
  const usage = usageWithClaims(snapshot);
  const vms = snapshot.vms
    .filter((vm) => vm.hostId !== undefined && usage.hostIndexById.has(vm.hostId))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const origin = Int32Array.from(vms, (vm) => usage.hostIndexById.get(vm.hostId ?? "") ?? 0);
  const wants = vms.map((vm, index) => compileWant(usage, { vm }, origin[index] ?? -1));
  const classes = classesOf(usage, vms);
  const problem: BalanceProblem = {
    hostCount: usage.hosts.length,
    vmCount: vms.length,
    ...dimensionsOf(usage, wants, origin),
    ...termsOf(usage, vms, weights),
    counted: usage.online,
    strandedPenalty: STRANDED_PENALTY,
    origin,
    moveCost: Float64Array.from(
      vms,
      (vm) => weights.perMove + weights.perGiBMoved * (toMiB(vm.memoryBytes) / 1024),
    ),
    movable: Uint8Array.from(vms, (vm) => (vm.movable === false ? 0 : 1)),
    ...classes,
    rules: rulesOf(usage, weights),
    rulesOf: wants.map((want) => want.load.rules),
  };
  return { problem, vms, hostIds: usage.hosts.map((host) => host.id) };
}

/** The accounts with claims and without VMs: what the VMs have to share. */
function usageWithClaims(snapshot: Snapshot): ClusterUsage {
  const usage = new ClusterUsage(snapshot);
  const hostOfVm = new Map(snapshot.vms.map((vm) => [vm.id, vm.hostId]));
  for (const claim of snapshot.claims) {
    const host = usage.hostIndexById.get(claim.hostId);
    if (host === undefined || hostOfVm.get(claim.vmId) === claim.hostId) continue;
    const load = compileLoad(usage, { id: claim.vmId, name: claim.vmId }, claim);
    const current = usage.hostIndexById.get(hostOfVm.get(claim.vmId) ?? "") ?? -1;
    usage.charge({ load, host, volumesHost: current });
  }
  return usage;
}

function rulesOf(usage: ClusterUsage, weights: BalanceWeights): readonly SearchRule[] {
  return usage.rules.rules.map(({ rule, level, max }) => ({
    mode: rule.mode,
    max,
    domainOfHost: level.domainOfHost,
    domainCount: level.hostsOfDomain.length,
    penalty: rule.strength === "required" ? Infinity : weights.softRule,
  }));
}

function classesOf(usage: ClusterUsage, vms: readonly VmSnapshot[]) {
  const statics = new StaticVerdicts(usage);
  const classes = new Map<Uint8Array, number>();
  const classOf = Int32Array.from(vms, (vm) => {
    // A live move of a guest that sees its host's processor depends on that host.
    const { allowed } = statics.ofVm(vm, vm.state === "stopped" ? undefined : vm.hostId);
    const known = classes.get(allowed) ?? classes.size;
    classes.set(allowed, known);
    return known;
  });
  const allowed = new Uint8Array(classes.size * usage.hosts.length);
  for (const [row, index] of classes) allowed.set(row, index * usage.hosts.length);
  return { classOf, allowed };
}

/**
 * CPUs, memory, number of VMs, each page size, and each storage that is local to a host. What claims and
 * wild VMs take is subtracted; a local storage has what is free and what its VMs' volumes take now.
 */
function dimensionsOf(usage: ClusterUsage, wants: readonly Want[], origin: Int32Array) {
  const hostCount = usage.hosts.length;
  const local = localStorages(usage);
  const columns: { capacity: (host: number) => number; need: (want: Want) => number }[] = [
    { capacity: (host) => usage.freeMemoryMiB(host), need: (want) => want.load.memoryMiB },
    { capacity: (host) => usage.freeCpus(host), need: (want) => want.load.cpus },
    { capacity: (host) => usage.vmsMax[host] ?? 0, need: () => 1 },
    ...usage.pageSizesKiB.map((_size, index) => ({
      capacity: (host: number) => usage.hugeCapacityMiB[index]?.[host] ?? 0,
      need: (want: Want) => (want.load.pageSize === index ? want.load.hugeMiB : 0),
    })),
    ...local.map((storage) => ({
      capacity: (host: number) => usage.storages.freeMiB(usage.storages.slotOf(storage, host)),
      need: (want: Want) => want.load.disks.find((disk) => disk.storage === storage)?.sizeMiB ?? 0,
    })),
  ];
  const dimensionCount = columns.length;
  const capacity = new Float64Array(hostCount * dimensionCount);
  const need = new Float64Array(wants.length * dimensionCount);
  columns.forEach((column, d) => {
    for (let host = 0; host < hostCount; host++) {
      capacity[host * dimensionCount + d] = column.capacity(host);
    }
    wants.forEach((want, vm) => (need[vm * dimensionCount + d] = column.need(want)));
  });
  const firstLocal = dimensionCount - local.length;
  wants.forEach((_want, vm) => {
    for (let d = firstLocal; d < dimensionCount; d++) {
      const at = (origin[vm] ?? 0) * dimensionCount + d;
      capacity[at] = (capacity[at] ?? 0) + (need[vm * dimensionCount + d] ?? 0);
    }
  });
  return { dimensionCount, capacity, need };
}

function localStorages(usage: ClusterUsage): readonly string[] {
  const names = usage.hosts.flatMap(
    (host) => host.storages?.filter((storage) => !storage.shared).map(({ name }) => name) ?? [],
  );
  return [...new Set(names)].sort();
}

function termsOf(usage: ClusterUsage, vms: readonly VmSnapshot[], weights: BalanceWeights) {
  const { cpuPhysical, memoryPhysicalMiB } = usage;
  const perMemory = (host: number) => 1 / (memoryPhysicalMiB[host] || 1);
  const perThread = (host: number) => 1 / (cpuPhysical[host] || 1);
  const terms = [
    {
      weight: weights.memory,
      base: (host: number) => usage.freeMemoryMiB(host) * perMemory(host),
      scale: (host: number) => -perMemory(host),
      amount: (vm: VmSnapshot) => (vm.hugepageBytes === undefined ? toMiB(vm.memoryBytes) : 0),
    },
    {
      weight: weights.cpu,
      base: (host: number) => (usage.cpuUsed[host] ?? 0) * perThread(host),
      scale: perThread,
      amount: (vm: VmSnapshot) => vm.cpus,
    },
    { weight: weights.count, base: () => 0, scale: () => 1, amount: () => 1 },
    {
      weight: vms.some((vm) => vm.measured !== undefined) ? weights.measuredCpu : 0,
      base: () => 0,
      scale: perThread,
      amount: (vm: VmSnapshot) => vm.measured?.cpus ?? 0,
    },
    {
      weight: vms.some((vm) => vm.measured !== undefined) ? weights.measuredMemory : 0,
      base: () => 0,
      scale: perMemory,
      amount: (vm: VmSnapshot) => toMiB(vm.measured?.memoryBytes ?? 0n),
    },
  ].filter((term) => term.weight > 0);
  const byHost = (pick: (term: (typeof terms)[number], host: number) => number) =>
    Float64Array.from(usage.hosts.flatMap((_, host) => terms.map((term) => pick(term, host))));
  return {
    termCount: terms.length,
    termWeight: Float64Array.from(terms, (term) => term.weight),
    termBase: byHost((term, host) => term.base(host)),
    termScale: byHost((term, host) => term.scale(host)),
    termAmount: Float64Array.from(vms.flatMap((vm) => terms.map((term) => term.amount(vm)))),
  };
}
