import { EvennessTerm } from "./evenness.ts";
import { DEFAULT_TOPOLOGY_LEVELS, domainLevels, type DomainLevel } from "./domains.ts";
import { NumaUsage } from "./numa-usage.ts";
import { RuleUsage } from "./rule-usage.ts";
import {
  DEFAULT_CPU_OVERCOMMIT,
  type HostSnapshot,
  type Policy,
  type Snapshot,
} from "./snapshot.ts";
import type { RoomOrder } from "./room-order.ts";
import type { SurvivalUsage } from "./survival.ts";
import { StorageUsage } from "./storage-usage.ts";
import { TraitTable } from "./traits.ts";
import { differsOnlyInUse } from "./host-use.ts";
import { requiredNetworkProblems, traitsOfHost } from "./host-traits.ts";
import { toMiB } from "./units.ts";
import type { Load } from "./want.ts";

/**
 * The accounts of a cluster: what every host has and what is taken, in flat arrays by host index.
 *
 * Hosts are in the order of their ids, so that nothing depends on the order of the input. Everything is
 * charged and discharged through {@link charge} and {@link discharge}; a candidate then costs a few adds.
 */
export class ClusterUsage {
  readonly #hosts: HostSnapshot[];
  readonly hostIndexById: ReadonlyMap<string, number>;
  readonly levels: ReadonlyMap<string, DomainLevel>;
  readonly traits: TraitTable;
  readonly storages: StorageUsage;
  readonly rules: RuleUsage;
  readonly numa: NumaUsage;
  readonly online: Uint8Array;
  readonly open: Uint8Array;
  readonly forAllTenants: Uint8Array;
  /** 1 where a network is missing that every host should have. */
  readonly lacksNetworks: Uint8Array;
  readonly isSomeLackingNetworks: boolean;
  readonly policy: Policy | undefined;
  /** After reserve and overcommit; what wild VMs take is in `cpuUsed` and `memoryUsedMiB`. */
  readonly cpuCapacity: Float64Array;
  readonly cpuUsed: Float64Array;
  readonly cpuFree: Float64Array;
  readonly memoryCapacityMiB: Float64Array;
  readonly memoryUsedMiB: Float64Array;
  readonly memoryFreeMiB: Float64Array;
  readonly cpuPhysical: Float64Array;
  readonly memoryPhysicalMiB: Float64Array;
  readonly vmCount: Int32Array;
  readonly vmsMax: Int32Array;
  /** Page sizes in use in the cluster, in KiB, ascending. */
  readonly pageSizesKiB: readonly number[];
  /** By page size index, then host index. */
  readonly hugeCapacityMiB: readonly Float64Array[];
  readonly hugeUsedMiB: readonly Float64Array[];
  /** From 0 to 1; 0 where nothing was measured. */
  readonly measuredLoad: Float64Array;
  readonly isMeasured: boolean;
  readonly freeMemoryEvenness: EvennessTerm;
  readonly cpuEvenness: EvennessTerm;
  readonly countEvenness: EvennessTerm;
  /** Set once everything is charged, when the policy asks for it. */
  survival: SurvivalUsage | undefined;
  /** Kept while there is {@link survival}, which looks for the roomiest hosts all the time. */
  roomOrder: RoomOrder | undefined;
  /** Some dozens a host: to look through a list costs less than to keep a set. */
  readonly #occupants: readonly Load[][];

  constructor(snapshot: Snapshot) {
    const hosts = snapshot.hosts.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
    this.#hosts = hosts;
    this.hostIndexById = new Map(hosts.map((host, index) => [host.id, index]));
    this.levels = domainLevels(hosts, snapshot.topologyLevels ?? DEFAULT_TOPOLOGY_LEVELS);
    this.traits = new TraitTable(hosts.map((host) => traitsOfHost(host, snapshot.policy)));
    this.storages = new StorageUsage(hosts);
    this.rules = new RuleUsage(snapshot.rules ?? [], this.levels);
    this.numa = new NumaUsage(hosts);
    this.online = Uint8Array.from(hosts, (host) => (host.state === "online" ? 1 : 0));
    this.open = Uint8Array.from(hosts, (host) => (host.cordoned ? 0 : 1));
    this.forAllTenants = Uint8Array.from(hosts, (host) => (host.tenants === undefined ? 1 : 0));
    this.lacksNetworks = Uint8Array.from(hosts, (host) =>
      requiredNetworkProblems(host).length > 0 ? 1 : 0,
    );
    this.isSomeLackingNetworks = this.lacksNetworks.includes(1);
    this.policy = snapshot.policy;
    this.cpuCapacity = Float64Array.from(hosts, cpuCapacityOf);
    this.cpuUsed = Float64Array.from(hosts, (host) => foreignOf(host).cpus);
    this.memoryCapacityMiB = Float64Array.from(hosts, memoryCapacityOf);
    this.cpuFree = this.cpuCapacity.map((all, host) => all - (this.cpuUsed[host] as number));
    this.memoryUsedMiB = Float64Array.from(hosts, (host) => foreignOf(host).memoryMiB);
    this.memoryFreeMiB = this.memoryCapacityMiB.map(
      (all, host) => all - (this.memoryUsedMiB[host] as number),
    );
    this.cpuPhysical = Float64Array.from(hosts, (host) => host.capacity.cpus);
    this.memoryPhysicalMiB = Float64Array.from(hosts, (host) => toMiB(host.capacity.memoryBytes));
    this.vmCount = new Int32Array(hosts.length);
    this.vmsMax = Int32Array.from(hosts, (host) => host.capacity.vmsMax ?? 2 ** 31 - 1);
    const pageBytes = new Set(
      hosts.flatMap((host) => host.capacity.hugepages?.map((pages) => pages.pageBytes) ?? []),
    );
    const pageSizes = [...pageBytes].sort((a, b) => (a < b ? -1 : 1));
    this.pageSizesKiB = pageSizes.map((bytes) => toMiB(bytes) * 1024);
    this.hugeCapacityMiB = pageSizes.map((bytes) =>
      Float64Array.from(hosts, (host) => hugeCapacityOf(host, bytes)),
    );
    this.hugeUsedMiB = pageSizes.map(() => new Float64Array(hosts.length));
    this.measuredLoad = Float64Array.from(hosts, measuredLoadOf);
    this.isMeasured = hosts.some((host) => host.measured !== undefined);
    const { online: counted } = this;
    this.freeMemoryEvenness = new EvennessTerm({
      counted,
      start: Float64Array.from(hosts, (_, host) => this.freeMemoryMiB(host) / this.#memory(host)),
      unit: Float64Array.from(hosts, (_, host) => -1 / this.#memory(host)),
    });
    this.cpuEvenness = new EvennessTerm({
      counted,
      start: Float64Array.from(hosts, (_, host) => (this.cpuUsed[host] ?? 0) / this.#threads(host)),
      unit: Float64Array.from(hosts, (_, host) => 1 / this.#threads(host)),
    });
    this.countEvenness = new EvennessTerm({
      counted,
      start: new Float64Array(hosts.length),
      unit: new Float64Array(hosts.length).fill(1),
    });
    this.#occupants = hosts.map(() => []);
  }

  /** In the order of their ids. */
  get hosts(): readonly HostSnapshot[] {
    return this.#hosts;
  }

  /** The VMs charged to a host, in the order in which they were charged. */
  occupants(host: number): readonly Load[] {
    return this.#occupants[host] ?? [];
  }

  charge(charge: Charge): void {
    const { load, host } = charge;
    this.#account(charge, 1);
    if (load.numaCells > 0) this.numa.charge(load, host, charge.cellIds ?? []);
    this.#occupants[host]?.push(load);
  }

  /** @returns the charge that puts everything back as it was. */
  discharge(charge: Charge): Charge {
    const { load, host } = charge;
    const place = this.#occupants[host]?.lastIndexOf(load) ?? -1;
    if (place < 0) {
      throw new Error(`vm ${load.vmId} is not charged to host ${this.hosts[host]?.id ?? host}`);
    }
    this.#occupants[host]?.splice(place, 1);
    this.#account(charge, -1);
    return load.numaCells > 0 ? { ...charge, cellIds: this.numa.discharge(load, host) } : charge;
  }

  freeCpus(host: number): number {
    return this.cpuFree[host] as number;
  }

  freeMemoryMiB(host: number): number {
    return this.memoryFreeMiB[host] as number;
  }

  /** To be restored when every charge since then has been taken back. */
  saveEvenness(): { restore(): void } {
    const saved = this.#evenness().map((term) => term.save());
    return {
      restore: () => {
        for (const sums of saved) sums.restore();
      },
    };
  }

  /** After many charges: sums that do not depend on their order. */
  recomputeEvenness(): void {
    for (const term of this.#evenness()) term.recompute();
  }

  /**
   * Takes over what a host's reports change all the time: its measured load, what wild VMs take, free space.
   * @returns false, with nothing changed, when something else is different too.
   */
  replaceHost(host: HostSnapshot): boolean {
    const index = this.hostIndexById.get(host.id);
    const before = index === undefined ? undefined : this.hosts[index];
    if (index === undefined || before === undefined || !differsOnlyInUse(before, host))
      return false;
    this.#hosts[index] = host;
    this.measuredLoad[index] = measuredLoadOf(host);
    const foreign = foreignOf(host);
    const old = foreignOf(before);
    this.#take(index, foreign.cpus - old.cpus, foreign.memoryMiB - old.memoryMiB);
    const free = (this.memoryCapacityMiB[index] as number) - foreign.memoryMiB;
    this.freeMemoryEvenness.restart(index, free / this.#memory(index));
    this.cpuEvenness.restart(index, foreign.cpus / this.#threads(index));
    return true;
  }

  /** Once all hosts that changed were replaced. */
  noteFreeSpace(): void {
    this.storages.noteFreeSpace(this.hosts);
  }

  #evenness(): readonly EvennessTerm[] {
    return [this.freeMemoryEvenness, this.cpuEvenness, this.countEvenness];
  }

  #take(host: number, cpus: number, memoryMiB: number): void {
    const cpusUsed = (this.cpuUsed[host] as number) + cpus;
    this.cpuUsed[host] = cpusUsed;
    this.cpuFree[host] = (this.cpuCapacity[host] as number) - cpusUsed;
    const usedMiB = (this.memoryUsedMiB[host] as number) + memoryMiB;
    this.memoryUsedMiB[host] = usedMiB;
    this.memoryFreeMiB[host] = (this.memoryCapacityMiB[host] as number) - usedMiB;
    this.roomOrder?.noteChange(host);
  }

  #account(charge: Charge, sign: 1 | -1): void {
    const { load, host } = charge;
    this.#take(host, sign * load.cpus, sign * load.memoryMiB);
    this.vmCount[host] = (this.vmCount[host] as number) + sign;
    const huge = this.hugeUsedMiB[load.pageSize];
    if (huge !== undefined) huge[host] = (huge[host] as number) + sign * load.hugeMiB;
    if (load.disks.length > 0) this.storages.account(load.disks, charge, sign);
    if (load.rules.length > 0) this.rules.account(load.rules, host, sign);
    this.freeMemoryEvenness.add(host, sign * load.memoryMiB);
    this.cpuEvenness.add(host, sign * load.cpus);
    this.countEvenness.add(host, sign);
  }

  /** All memory of a host; what has none is compared by the MiB. */
  #memory(host: number): number {
    return (this.memoryPhysicalMiB[host] as number) || 1;
  }

  #threads(host: number): number {
    return (this.cpuPhysical[host] as number) || 1;
  }
}

/** A VM on a host's account. */
export interface Charge {
  readonly load: Load;
  readonly host: number;
  /** Where its volumes are already; -1 charges its disks in full, `host` not at all. */
  readonly volumesHost: number;
  /** NUMA cells it is known to be laid out on. */
  readonly cellIds?: readonly number[] | undefined;
}

const foreignOf = ({ foreign }: HostSnapshot) => ({
  cpus: foreign?.cpus ?? 0,
  memoryMiB: toMiB(foreign?.memoryBytes ?? 0n),
});

function cpuCapacityOf(host: HostSnapshot): number {
  const { cpus, cpusReserved = 0, cpuOvercommit = DEFAULT_CPU_OVERCOMMIT } = host.capacity;
  return Math.max(0, cpus - cpusReserved) * cpuOvercommit;
}

/** Memory set aside as hugepages is not there for VMs that do not use them. */
function memoryCapacityOf(host: HostSnapshot): number {
  const { memoryBytes, memoryReservedBytes = 0n, memoryOvercommit = 1 } = host.capacity;
  const hugeBytes = (host.capacity.hugepages ?? []).reduce(
    (sum, pages) => sum + pages.pageBytes * BigInt(pages.count),
    0n,
  );
  const bytes = memoryBytes - memoryReservedBytes - hugeBytes;
  return bytes > 0n ? toMiB(bytes) * memoryOvercommit : 0;
}

function hugeCapacityOf(host: HostSnapshot, pageBytes: bigint): number {
  const pages = host.capacity.hugepages?.find((entry) => entry.pageBytes === pageBytes);
  return pages === undefined ? 0 : toMiB(pages.pageBytes) * pages.count;
}

function measuredLoadOf({ measured }: HostSnapshot): number {
  if (measured === undefined) return 0;
  const { cpu, memory, cpuPressure = 0, memoryPressure = 0, ioPressure = 0 } = measured;
  return Math.max(cpu, memory, cpuPressure, memoryPressure, ioPressure);
}
