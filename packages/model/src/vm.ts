/** A VM: what a person wants of it, where it is placed, and what its host says. */
import type { HaPolicy, VmRecovery } from "./ha.ts";
import type { HostId, OperationId, VmId } from "./ids.ts";
import type { ImageDigest } from "./image.ts";
import type { VlanRange } from "./network.ts";
import type { VmRules } from "./rules.ts";

export interface DiskSpec {
  /** Name of the storage. */
  readonly storage: string;
  /** Virtual size in bytes. */
  readonly sizeBytes: bigint;
  /** A volume on the same storage whose contents this one starts from. */
  readonly baseVolume?: string;
  /** The image it is made of. Its name is resolved when the VM is accepted: an image that is replaced changes no VM. */
  readonly image?: ImageDigest;
  /** Of an image; absent: overlay. */
  readonly imageMode?: ImageMode;
}

/**
 * overlay: what the guest writes is kept beside the image, which is shared. copy: the volume stands alone.
 * preallocated: it stands alone and its whole size is taken at once.
 */
export type ImageMode = "overlay" | "copy" | "preallocated";

export const imageModes: readonly ImageMode[] = ["overlay", "copy", "preallocated"];

/** What the guest sees. */
export type NicModel = "virtio" | "e1000e" | "e1000" | "rtl8139";

export const nicModels: readonly NicModel[] = ["virtio", "e1000e", "e1000", "rtl8139"];

/** Kilobytes (1,000 bytes) a second, as libvirt counts; 0: no limit. Inbound is to the guest. */
export interface NicRates {
  readonly inboundKbytesPerSecond: number;
  readonly outboundKbytesPerSecond: number;
}

export interface NicSpec {
  /** Name of the network. */
  readonly network: string;
  /** Lower case. */
  readonly mac: string;
  /** The VM's own on this network, canonical, without prefix length. Claimed by this record. Absent: none. */
  readonly addresses?: readonly string[];
  /** Of a trunk network: only these of its ids. Absent: all of them. */
  readonly trunk?: readonly VlanRange[];
  /** Absent: virtio. */
  readonly model?: NicModel;
  readonly rates?: NicRates;
  /** True: the network's guards do not hold for this NIC. */
  readonly unguarded?: boolean;
  /** From 1; absent: not booted from. */
  readonly bootOrder?: number;
  /** True: the cable is unplugged. */
  readonly linkDown?: boolean;
}

export interface KernelBoot {
  readonly kernelPath: string;
  readonly initrdPath: string;
  readonly commandLine: string;
}

/** Written by the API only. */
export interface VmSpec {
  readonly name: string;
  readonly cpus: number;
  readonly memoryBytes: bigint;
  readonly disks: readonly DiskSpec[];
  readonly nics: readonly NicSpec[];
  readonly kernel?: KernelBoot;
  /** VMs that share a group never share a host. */
  readonly antiAffinityGroups: readonly string[];
  readonly cpuModel?: string;
  readonly machineType?: string;
  /** Absent: the cluster does nothing for it by itself. */
  readonly ha?: HaPolicy;
  /** Form of the disk that tells the guest about itself. Absent: it has none. */
  readonly context?: SeedFormat;
}

/** By what the guest reads it. */
export type SeedFormat = "nocloud" | "config-drive" | "stratuslab";

export const seedFormats: readonly SeedFormat[] = ["nocloud", "config-drive", "stratuslab"];

/** What a hypervisor says of a VM. */
export type VmState = "stopped" | "running" | "paused" | "stopping" | "crashed";

export const vmStates: readonly VmState[] = ["stopped", "running", "paused", "stopping", "crashed"];

/** True while the VM holds its disks open. */
export const isActive = (state: VmState): boolean => state !== "stopped" && state !== "crashed";

/** Counters since the domain started. */
export interface VmUsage {
  readonly cpuTimeNs: bigint;
  readonly residentBytes: bigint;
  readonly diskReadBytes: bigint;
  readonly diskWriteBytes: bigint;
  readonly diskReadRequests: bigint;
  readonly diskWriteRequests: bigint;
  readonly networkReceiveBytes: bigint;
  readonly networkTransmitBytes: bigint;
}

/** One domain as its host sees it. Written from agents' reports only. */
export interface VmObservation {
  readonly id: VmId;
  readonly name: string;
  readonly state: VmState;
  /** libvirt's words: "booted", "migrated", "destroyed". */
  readonly reason: string;
  /** False: a wild VM. */
  readonly managed: boolean;
  /** Of the placement, from our metadata; 0 for wild VMs. */
  readonly generation: number;
  readonly cpus: number;
  readonly memoryBytes: bigint;
  readonly macs: readonly string[];
  /** Present while the domain runs and was sampled. */
  readonly usage?: VmUsage;
  readonly migrating: boolean;
  /** The configuration outlives the running domain on this host. */
  readonly persistent: boolean;
}

/**
 * Where a VM is placed. Written by the leader only. `generation` grows with every change of host, and the
 * domain is marked with it, so that a stale copy can be told from the VM.
 */
export interface Placement {
  readonly hostId: HostId;
  readonly generation: number;
}

/** A VM as it is stored. */
export interface VmRecord {
  readonly id: VmId;
  readonly spec: VmSpec;
  /** Where it may run and belongs. Written by the API only. */
  readonly rules?: VmRules;
  /** The host a drain took it away from, until it is back there or gets a home of its own. Written by the leader only. */
  readonly away?: HostId;
  /** Absent: accepted and being placed, or its creation failed. */
  readonly placement?: Placement;
  /** Where it is moving to; capacity is claimed there too. */
  readonly target?: Placement;
  /** The operation that works on it: one at a time. */
  readonly operationId?: OperationId;
  /** False until the first definition on a host succeeded. */
  readonly created: boolean;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Whether it is meant to run. Absent: nobody has said since this was first kept. */
  readonly wanted?: "running" | "stopped";
  /** Absent: the cluster has not restarted it. */
  readonly recovery?: VmRecovery;
}
