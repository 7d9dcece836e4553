/** A host: what it has, and how the coordinator sees it. */
import type { FenceDevice, HostOff, HostWatchdog } from "./ha.ts";
import type { HostId, VmId } from "./ids.ts";
import type { ImageCacheReport } from "./image.ts";
import type { HostTraits } from "./rules.ts";

export interface CpuInventory {
  readonly model: string;
  readonly vendor: string;
  readonly features: readonly string[];
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
  readonly logicalCpus: number;
  readonly frequencyMhz: number;
  readonly architecture: string;
  readonly brand: string;
  /** CPU models a guest here can be given by name. */
  readonly usableModels: readonly string[];
}

export interface HugePages {
  readonly pageBytes: bigint;
  readonly total: bigint;
  readonly free: bigint;
}

export interface NumaCell {
  readonly id: number;
  readonly memoryBytes: bigint;
  readonly cpus: readonly number[];
  readonly hugePages: readonly HugePages[];
}

export interface NicInventory {
  readonly name: string;
  readonly mac: string;
  /** 0 when unknown. */
  readonly speedMbit: number;
  /** With prefix length. */
  readonly addresses: readonly string[];
  readonly up: boolean;
  readonly kind: string;
  readonly mtu: number;
}

export interface StorageInventory {
  readonly name: string;
  readonly kind: string;
  readonly path: string;
  readonly capacityBytes: bigint;
  readonly availableBytes: bigint;
  readonly shared: boolean;
  readonly filesystem: string;
}

export interface SoftwareVersions {
  readonly libvirt: string;
  readonly qemu: string;
  readonly kernel: string;
  readonly agent: string;
  readonly operatingSystem: string;
}

/** What a host has. Written from its agent's reports only. */
export interface HostInventory {
  readonly hostname: string;
  readonly cpu: CpuInventory;
  readonly memoryBytes: bigint;
  readonly numaCells: readonly NumaCell[];
  readonly nics: readonly NicInventory[];
  readonly storages: readonly StorageInventory[];
  readonly versions: SoftwareVersions;
  readonly machineTypes: readonly string[];
  /** "kvm", or "qemu" where there is no hardware virtualisation. */
  readonly virtualization: string;
  readonly hostUuid: string;
  /** What libvirt's and the system's own numbers do not agree on, a sentence each. */
  readonly disagreements: readonly string[];
  readonly bootId: string;
  readonly hardware: string;
  /** Absent: an agent without an image cache. */
  readonly images?: ImageCacheReport;
}

export interface HostLoad {
  readonly load1m: number;
  readonly memoryAvailableBytes: bigint;
  /** 0 to 1. */
  readonly cpuUsedRatio: number;
  /** Absent: the kernel does not measure it. */
  readonly pressure?: HostPressure;
}

/** Share of the last minute in which some task waited, 0 to 1. */
export interface HostPressure {
  readonly cpu: number;
  readonly memory: number;
  readonly io: number;
}

/** A host as it is stored. */
export interface HostRecord {
  readonly id: HostId;
  readonly name: string;
  readonly cordoned: boolean;
  readonly cordonReason: string;
  /** What people say of it. */
  readonly traits?: HostTraits;
  /** Serial number of the certificate that may speak for it, hexadecimal, lower case. */
  readonly certificateSerial: string;
  /** The one before, valid until the new one was used once: a lost renewal answer must not lock a host out. */
  readonly previousCertificateSerial?: string;
  /** RFC 3339. */
  readonly certificateExpiresAt: string;
  /** RFC 3339. */
  readonly enrolledAt: string;
  /** False until its agent first connected. */
  readonly connectedBefore: boolean;
  /** Present while it has said that its watchdog is armed. */
  readonly watchdog?: HostWatchdog;
  /** Present while it is certain that it runs nothing. */
  readonly off?: HostOff;
  /** In the order they are tried. */
  readonly fenceDevices?: readonly FenceDevice[];
  /** What VMs that were restarted elsewhere have left on it: removed when it is back, even if they are gone by then. */
  readonly leftovers?: readonly Leftover[];
}

export interface Leftover {
  readonly vmId: VmId;
  /** Of the copy; a newer one is none. */
  readonly generation: number;
}

/**
 * joining: enrolled, never connected since the coordinator started and before. online: connected and reported.
 * unknown: its agent is gone; its VMs run on for all we know. lost: the same for longer than the grace.
 */
export type HostState = "joining" | "online" | "unknown" | "lost";

/** An invitation as it is stored. The secret itself is not kept. */
export interface InviteRecord {
  readonly id: string;
  readonly hostName: string;
  /** SHA-256 of the secret, hexadecimal. */
  readonly secretHash: string;
  /** RFC 3339. */
  readonly expiresAt: string;
  /** Set when it was used. */
  readonly usedAt?: string;
}
