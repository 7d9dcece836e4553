import type { PlaceRequest, VmShape } from "./snapshot.ts";
import type { TraitMask } from "./traits.ts";

/** What a VM takes from the host that has it. */
export interface Load {
  readonly vmId: string;
  readonly vmName: string;
  readonly shape: VmShape;
  readonly cpus: number;
  /** Ordinary memory; 0 when it lives in hugepages. */
  readonly memoryMiB: number;
  /** -1 when it uses none, else an index into the page sizes of {@link import("./usage.ts").ClusterUsage}. */
  readonly pageSize: number;
  readonly hugeMiB: number;
  readonly disks: readonly DiskLoad[];
  /** Indexes of the group rules it is a member of. */
  readonly rules: readonly number[];
  /** NUMA cells it is laid out over; 0 when it floats. */
  readonly numaCells: number;
}

/** The disks of a VM on one storage, summed. */
export interface DiskLoad {
  readonly storage: string;
  readonly sizeMiB: number;
  /** By host index: the account of that storage there; undefined when no host has it. */
  readonly slots: Int32Array | undefined;
}

/** A request with everything looked up that can be looked up before a host is known. */
export interface Want {
  readonly load: Load;
  readonly shape: VmShape;
  readonly request: PlaceRequest;
  /** Worked out when first asked for: hosts' answers to them are remembered by request. */
  readonly facts: () => Facts;
  /** Indexes of the required group rules it is a member of. */
  readonly requiredRules: readonly number[];
  readonly preferredRules: readonly number[];
  /** By host index: why it may not go there. */
  readonly excluded: ReadonlyMap<number, string>;
  /** Host index it leaves in a live migration, else -1. */
  readonly fromHost: number;
  /** Host index where its volumes are now, else -1. Volumes on a storage shared with that host are not copied. */
  readonly volumesHost: number;
  readonly homeHost: number;
}

/** What the request asks of a host that no placement changes. */
export interface Facts {
  readonly networks: TraitMask;
  readonly storages: TraitMask;
  readonly labels: TraitMask;
  readonly machineType: TraitMask;
  readonly cpu: TraitMask;
  /** What `cpu` asks for, by name. */
  readonly cpuFeatures: readonly string[];
  readonly pool: TraitMask;
  readonly tenant: TraitMask;
  readonly environment: TraitMask;
  /** By host index: 1 where it may run; undefined when it may run anywhere. */
  readonly allowedHosts: Uint8Array | undefined;
}
