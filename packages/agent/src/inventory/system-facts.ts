/** What the operating system says of its host: one side of the inventory; libvirt's capabilities are the other. */
import type { HostLoad } from "@muster/model";

export interface SystemNic {
  readonly name: string;
  /** Lower case; empty when it has none. */
  readonly mac: string;
  /** 0 when unknown. */
  readonly speedMbit: number;
  /** With prefix length: "10.0.0.5/24". */
  readonly addresses: readonly string[];
  readonly up: boolean;
  /** "wired", "wireless", "virtual", "bridge", "bond", "vlan". */
  readonly kind: string;
  readonly mtu: number;
}

export interface Mount {
  readonly path: string;
  /** As in /proc/mounts: "ext4", "nfs4", "fuse.glusterfs". */
  readonly filesystem: string;
  /** What is mounted: "/dev/vda1", "nas:/export". */
  readonly source: string;
}

export interface FreeHugePages {
  /** NUMA cell. */
  readonly cell: number;
  readonly pageBytes: bigint;
  readonly free: bigint;
}

export interface SystemFacts {
  readonly hostname: string;
  readonly memoryBytes: bigint;
  readonly logicalCpus: number;
  readonly cpu: {
    /** "AMD EPYC 9754 128-Core Processor". */
    readonly brand: string;
    readonly vendor: string;
    readonly sockets: number;
    /** Of all sockets together. */
    readonly physicalCores: number;
    readonly frequencyMhz: number;
    readonly architecture: string;
  };
  readonly nics: readonly SystemNic[];
  readonly mounts: readonly Mount[];
  readonly kernel: string;
  readonly operatingSystem: string;
  /** Maker and model. */
  readonly hardware: string;
  /** Changes with every boot. */
  readonly bootId: string;
  /** Those that are known. */
  readonly freeHugePages: readonly FreeHugePages[];
}

export interface SystemProbe {
  /** Everything; slow, for the full inventory. */
  readFacts(): Promise<SystemFacts>;
  /** Cheap enough for every few seconds. `cpuUsedRatio` is since the call before, or since boot. */
  readLoad(): Promise<HostLoad>;
}
