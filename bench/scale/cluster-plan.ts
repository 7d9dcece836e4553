/** Who is in the measured cluster: the same ids, names and sizes for whoever asks. */
import {
  GIB,
  parseHostId,
  parseVmId,
  type HostId,
  type HostInventory,
  type VmId,
  type VmObservation,
  type VmSpec,
} from "@muster/model";

export interface ClusterSize {
  readonly hosts: number;
  readonly vmsPerHost: number;
}

const uuid = (kind: string, number: number): string =>
  `${kind}0000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;

export const hostName = (number: number): string => `host-${String(number).padStart(4, "0")}`;
export const hostIdOf = (number: number): HostId => parseHostId(uuid("a", number));
export const vmIdOf = (host: number, index: number): VmId =>
  parseVmId(uuid("b", host * 1_000 + index));
export const vmName = (host: number, index: number): string =>
  `vm-${String(host).padStart(4, "0")}-${String(index).padStart(2, "0")}`;

const macOf = (host: number, index: number): string =>
  `52:54:00:${[host >> 8, host & 255, index].map((part) => part.toString(16).padStart(2, "0")).join(":")}`;

export const NETWORK = "blue";

export const specOf = (host: number, index: number): VmSpec => ({
  name: vmName(host, index),
  cpus: 1 + (index % 4),
  memoryBytes: BigInt(1 + (index % 4)) * GIB,
  disks: [{ storage: "shared", sizeBytes: 20n * GIB }],
  nics: [{ network: NETWORK, mac: macOf(host, index) }],
  antiAffinityGroups: [],
});

export const seenAs = (host: number, index: number): VmObservation => {
  const { name, cpus, memoryBytes, nics } = specOf(host, index);
  return {
    id: vmIdOf(host, index),
    name,
    state: "running",
    reason: "booted",
    managed: true,
    generation: 1,
    cpus,
    memoryBytes,
    macs: nics.map(({ mac }) => mac),
    migrating: false,
    persistent: true,
  };
};

/** As long as those of real hosts: libvirt names some hundred features and models. */
const FEATURES = Array.from({ length: 90 }, (_, index) => `cpu-feature-${String(index)}`);
const MODELS = Array.from({ length: 80 }, (_, index) => `Model-Server-v${String(index)}`);
const MACHINES = Array.from({ length: 60 }, (_, index) => `pc-q35-${String(index)}`);

export const inventoryOf = (host: number): HostInventory => ({
  hostname: hostName(host),
  cpu: {
    model: "EPYC-Milan",
    vendor: "AMD",
    features: FEATURES,
    sockets: 2,
    cores: 32,
    threads: 2,
    logicalCpus: 128,
    frequencyMhz: 2_450,
    architecture: "x86_64",
    brand: "AMD EPYC 7513 32-Core Processor",
    usableModels: MODELS,
  },
  memoryBytes: 512n * GIB,
  numaCells: [0, 1].map((id) => ({
    id,
    memoryBytes: 256n * GIB,
    cpus: Array.from({ length: 64 }, (_, cpu) => id * 64 + cpu),
    hugePages: [{ pageBytes: 2n * 1_024n * 1_024n, total: 0n, free: 0n }],
  })),
  nics: ["eno1", "eno2", "bond0"].map((name, index) => ({
    name,
    mac: macOf(host, 240 + index),
    speedMbit: 25_000,
    addresses: index === 2 ? [`10.1.${String(host >> 8)}.${String(host & 255)}/16`] : [],
    up: true,
    kind: index === 2 ? "bond" : "wired",
    mtu: 9_000,
  })),
  storages: [
    {
      name: "shared",
      kind: "netfs",
      path: "/srv/shared",
      capacityBytes: 1n << 50n,
      availableBytes: 1n << 49n,
      shared: true,
      filesystem: "nfs4",
    },
  ],
  versions: {
    libvirt: "11.3.0",
    qemu: "10.0.2",
    kernel: "6.12.0-amd64",
    agent: "0.1.0",
    operatingSystem: "Debian GNU/Linux 13",
  },
  machineTypes: MACHINES,
  virtualization: "kvm",
  hostUuid: uuid("c", host),
  disagreements: [],
  bootId: uuid("d", host),
  hardware: "Maker Model 2U",
});
