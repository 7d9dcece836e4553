/** What a simulated host has. Everything but its name has a plausible default. */
import { GIB } from "@muster/model";

export interface SimulatedStorage {
  readonly name: string;
  /** Hosts that have a shared storage of one name see the same volumes. */
  readonly shared: boolean;
  readonly capacityBytes: bigint;
}

export interface SimulatedHostOptions {
  readonly name: string;
  /** Where other hosts reach it, beside its name. */
  readonly addresses?: readonly string[];
  readonly cpus?: number;
  readonly memoryBytes?: bigint;
  readonly storages?: readonly SimulatedStorage[];
  readonly cpuModel?: string;
  readonly machineTypes?: readonly string[];
  readonly numaCells?: number;
  readonly virtualization?: "kvm" | "qemu";
}

export type SimulatedHostFacts = Required<SimulatedHostOptions>;

export const defaultStorages: readonly SimulatedStorage[] = [
  { name: "default", shared: false, capacityBytes: 200n * GIB },
  { name: "shared", shared: true, capacityBytes: 1000n * GIB },
];

export const hostFactsFrom = (options: SimulatedHostOptions): SimulatedHostFacts => ({
  addresses: [],
  cpus: 8,
  memoryBytes: 16n * GIB,
  storages: defaultStorages,
  cpuModel: "Skylake-Server",
  machineTypes: ["pc-q35-10.0", "pc-q35-7.2", "q35"],
  numaCells: 1,
  virtualization: "kvm",
  ...options,
});
