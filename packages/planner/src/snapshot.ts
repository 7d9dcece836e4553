/**
 * The cluster as the planner sees it: one value, no behaviour.
 *
 * Everything a decision may depend on is in here, so a saved snapshot replays any decision. Ids are
 * plain strings because the planner only compares them; bytes are bigint, as everywhere at a border.
 * Fields that a site does not use may be left out: a missing list is empty, a missing limit does not limit.
 */

/** Where a host stands. Only an `online` host is given new VMs. */
export type HostState = "joining" | "online" | "unknown" | "lost";

/** `starting`, `running`, `paused` and `stopped` VMs are all charged in full: a stopped VM may start at any time. */
export type VmState = "new" | "starting" | "running" | "paused" | "stopped" | "failed";

export interface Snapshot {
  /** The revision of the state this was taken from; copied to the answers, never interpreted. */
  readonly version: number;
  readonly hosts: readonly HostSnapshot[];
  readonly vms: readonly VmSnapshot[];
  /** Capacity promised to a VM on a host where it does not run yet. */
  readonly claims: readonly ClaimSnapshot[];
  readonly rules?: readonly GroupRule[];
  /** Names of the levels of {@link HostSnapshot.failureDomain}, outermost first. Default: site, row, rack. */
  readonly topologyLevels?: readonly string[];
  readonly policy?: Policy;
  readonly history?: MotionHistory;
}

/** What moved lately, by age: the planner has no clock. */
export interface MotionHistory {
  readonly movesLastDay: number;
  readonly lastMoves: readonly { readonly vmId: string; readonly secondsAgo: number }[];
}

/** Rules that hold for the whole cluster. */
export interface Policy {
  /** Every single failure of `count` domains of this level must leave room for all their VMs. */
  readonly survive?: { readonly level: string; readonly count: number };
  /** Which VM environments may run on a host of an environment; a missing key allows the same name only. */
  readonly environments?: Readonly<Record<string, readonly string[]>>;
}

export interface HostSnapshot {
  readonly id: string;
  readonly name: string;
  readonly state: HostState;
  /** A cordoned host keeps its VMs and is given no new ones. */
  readonly cordoned: boolean;
  readonly capacity: HostCapacity;
  /** What runs there that muster does not manage (wild VMs); it takes room and is never moved. */
  readonly foreign?: { readonly cpus: number; readonly memoryBytes: bigint };
  /** Names of the networks a VM can be plugged into on this host. */
  readonly networks?: readonly string[];
  /** Networks it should have and VMs cannot use there, and why. */
  readonly networkProblems?: readonly NetworkProblem[];
  readonly storages?: readonly HostStorage[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly cpuModels?: readonly string[];
  readonly cpuFeatures?: readonly string[];
  readonly machineTypes?: readonly string[];
  /** For example ["paris", "row-2", "rack-7"]; the host itself is the innermost level and not listed. */
  readonly failureDomain?: readonly string[];
  /** PRD, DEV, TMP, or whatever the site calls them. */
  readonly environment?: string;
  readonly pool?: string;
  /** Tenants that may use the host; missing means all. */
  readonly tenants?: readonly string[];
  /** sha256 names of the images in the host's cache. */
  readonly imagesCached?: readonly string[];
  readonly measured?: HostMeasured;
  /** What a migration may use of the host's link. */
  readonly linkBytesPerSecond?: number;
}

export interface NetworkProblem {
  readonly network: string;
  readonly problem: string;
  /** A host without it takes no new VM that has a NIC. */
  readonly required: boolean;
}

export interface HostCapacity {
  /** Hardware threads. */
  readonly cpus: number;
  /** Threads kept for the host itself. */
  readonly cpusReserved?: number;
  /** VM cpus promised per thread; default {@link DEFAULT_CPU_OVERCOMMIT}. */
  readonly cpuOvercommit?: number;
  readonly memoryBytes: bigint;
  readonly memoryReservedBytes?: bigint;
  /** VM memory promised per byte of memory; default 1, because a host that swaps its guests is worse than one that is down. */
  readonly memoryOvercommit?: number;
  /** Largest number of VMs, muster's own limit for a host. */
  readonly vmsMax?: number;
  readonly numaCells?: readonly NumaCell[];
  readonly hugepages?: readonly Hugepages[];
}

/** Used when a host does not say otherwise; general-purpose VMs idle most of the time. */
export const DEFAULT_CPU_OVERCOMMIT = 4;

export interface NumaCell {
  readonly id: number;
  readonly cpus: number;
  readonly memoryBytes: bigint;
}

export interface Hugepages {
  readonly pageBytes: bigint;
  readonly count: number;
}

export interface HostStorage {
  readonly name: string;
  /** Free now, that is after the volumes that exist; claims are subtracted by the planner. */
  readonly freeBytes: bigint;
  /** One place seen by many hosts: its space is counted once, and a migration need not copy the volumes. */
  readonly shared: boolean;
}

/** Last measured load of a host; every figure is a share from 0 to 1. */
export interface HostMeasured {
  readonly cpu: number;
  readonly memory: number;
  /** Pressure stall (`some`, avg60) for cpu, memory and io. */
  readonly cpuPressure?: number;
  readonly memoryPressure?: number;
  readonly ioPressure?: number;
}

/** What a VM asks of a host. */
export interface VmShape {
  readonly cpus: number;
  readonly memoryBytes: bigint;
  readonly networks?: readonly string[];
  readonly disks?: readonly Disk[];
  /** Two VMs that name the same group here never share a host: short for a required spread over hosts. */
  readonly antiAffinity?: readonly string[];
  /** Groups that {@link GroupRule} speaks of. */
  readonly groups?: readonly string[];
  /** Labels a host must have. */
  readonly hostLabels?: Readonly<Record<string, string>>;
  /** Ids of the only hosts it may run on; missing or empty means any. */
  readonly pinnedTo?: readonly string[];
  readonly machineType?: string;
  /** `host` means the guest sees its host's own processor, so a live move needs the same features there. */
  readonly cpuMode?: "host" | "custom";
  readonly cpuModel?: string;
  readonly cpuFeatures?: readonly string[];
  /** Memory backed by hugepages of this size. */
  readonly hugepageBytes?: bigint;
  /** Over how many NUMA cells it is laid out, evenly; missing means it floats. */
  readonly numaCells?: number;
  readonly environment?: string;
  readonly pool?: string;
  readonly tenant?: string;
  /** sha256 name of its image. */
  readonly image?: string;
}

export interface Disk {
  readonly storage: string;
  readonly sizeBytes: bigint;
}

export interface VmSnapshot extends VmShape {
  readonly id: string;
  readonly name: string;
  readonly state: VmState;
  /** Where it runs, or where it is defined when it is stopped. Missing: nowhere yet. */
  readonly hostId?: string;
  /** Where it belongs when nothing is wrong. */
  readonly homeHostId?: string;
  /** Larger is more important; recovery goes by it. */
  readonly priority?: number;
  /** Ids of the NUMA cells it is laid out on at its host, when known. */
  readonly numaCellIds?: readonly number[];
  /** False for a VM that cannot move live, for example because of a passed-through device. */
  readonly movable?: boolean;
  readonly measured?: VmMeasured;
}

export interface VmMeasured {
  /** Cores' worth of CPU used. */
  readonly cpus: number;
  readonly memoryBytes: bigint;
  readonly dirtyBytesPerSecond?: number;
}

export interface ClaimSnapshot extends VmShape {
  readonly vmId: string;
  readonly hostId: string;
}

/** How the members of a group stand to each other. */
export interface GroupRule {
  readonly name: string;
  readonly group: string;
  /** `spread`: at most `max` members in one domain. `pack`: all members in one domain. */
  readonly mode: "spread" | "pack";
  readonly strength: "required" | "preferred";
  /** `host` or one of {@link Snapshot.topologyLevels}. */
  readonly level: string;
  /** For `spread`; default 1. */
  readonly max?: number;
}

/** "Where should this VM go?" */
export interface PlaceRequest {
  readonly vm: RequestedVm;
  /** Set for a live migration: the host it leaves. Never chosen, and its CPU decides what is compatible. */
  readonly fromHostId?: string;
  /** Hosts not to use, each with the reason that a person will read. */
  readonly exclude?: readonly { readonly hostId: string; readonly why: string }[];
}

export interface RequestedVm extends VmShape {
  /** When the snapshot has this VM, its own charges and claims do not stand in its way. */
  readonly id: string;
  readonly name: string;
  readonly homeHostId?: string;
}
