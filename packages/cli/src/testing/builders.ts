/** Whole wire values, one interesting field each. */
import { networkDefaults } from "@muster/model";
import { encodeNetworkSpec, encodeNic } from "@muster/model/wire";
import {
  HostState,
  OperationState,
  StepState,
  VmDisplayState,
  type Host,
  type Network,
  type Operation,
  type Step,
  type Vm,
} from "@muster/proto/admin";
import {
  NetworkState,
  VmState,
  type HostInventory,
  type NetworkObservation,
  type NetworkSpec,
  type VmSpec,
} from "@muster/proto/types";

const GIB = 1n << 30n;
const MIB = 1n << 20n;

export const aSpec = (fields: Partial<VmSpec> = {}): VmSpec => ({
  name: "web-1",
  cpus: 2,
  memoryBytes: 512n * MIB,
  disks: [{ storage: "shared", sizeBytes: 10n * GIB, baseVolume: "debian-13" }],
  nics: [encodeNic({ network: "blue", mac: "52:54:00:00:00:01" })],
  kernel: undefined,
  antiAffinityGroups: [],
  cpuModel: "",
  machineType: "",
  ha: undefined,
  ...fields,
});

export const aVm = (fields: Partial<Vm> = {}): Vm => ({
  id: "6f1c0d3e-0000-4000-8000-000000000001",
  spec: aSpec(),
  name: "web-1",
  state: VmDisplayState.RUNNING,
  host: "h1",
  observed: {
    uuid: Buffer.from("6f1c0d3e000040008000000000000001", "hex"),
    name: "web-1",
    state: VmState.RUNNING,
    reason: "booted",
    managed: true,
    generation: 1,
    cpus: 2,
    memoryBytes: 512n * MIB,
    macs: ["52:54:00:00:00:01"],
    usage: {
      cpuTimeNs: 12_300_000_000n,
      residentBytes: 300n * MIB,
      diskReadBytes: 50n * MIB,
      diskWriteBytes: 10n * MIB,
      diskReadRequests: 100n,
      diskWriteRequests: 10n,
      networkReceiveBytes: 1_000n,
      networkTransmitBytes: 2_000n,
    },
    migrating: false,
    persistent: true,
  },
  observedAgeMs: 0n,
  managed: true,
  generation: 1,
  operationId: "",
  createdAt: "2026-01-01T00:00:00Z",
  targetHost: "",
  trouble: "",
  rules: undefined,
  awayFrom: "",
  wanted: "running",
  restarts: 0,
  haError: "",
  ...fields,
});

export const anInventory = (fields: Partial<HostInventory> = {}): HostInventory => ({
  hostname: "h1",
  cpu: {
    model: "EPYC",
    vendor: "AMD",
    features: ["topoext"],
    sockets: 1,
    cores: 8,
    threads: 2,
    logicalCpus: 16,
    frequencyMhz: 2_450,
    architecture: "x86_64",
    brand: "AMD EPYC",
    usableModels: ["EPYC", "qemu64"],
  },
  memoryBytes: 64n * GIB,
  numaCells: [{ id: 0, memoryBytes: 64n * GIB, cpus: [0, 1], hugePages: [] }],
  nics: [
    {
      name: "eth0",
      mac: "02:00:00:00:00:01",
      speedMbit: 10_000,
      addresses: ["10.99.0.1/24"],
      up: true,
      kind: "veth",
      mtu: 1_500,
    },
  ],
  storages: [
    {
      name: "shared",
      kind: "netfs",
      path: "/srv/shared",
      capacityBytes: 1_000n * GIB,
      availableBytes: 400n * GIB,
      shared: true,
      filesystem: "nfs4",
    },
  ],
  versions: {
    libvirt: "11.3.0",
    qemu: "10.0.2",
    kernel: "6.12.0",
    agent: "0.1.0",
    operatingSystem: "Debian GNU/Linux 13",
  },
  machineTypes: ["pc-q35-10.0"],
  virtualization: "kvm",
  hostUuid: "00000000-0000-4000-8000-0000000000a1",
  disagreements: [],
  bootId: "b1",
  hardware: "Example R1",
  images: undefined,
  ...fields,
});

export const aHost = (fields: Partial<Host> = {}): Host => ({
  id: "00000000-0000-4000-8000-000000000011",
  name: "h1",
  state: HostState.ONLINE,
  cordoned: false,
  cordonReason: "",
  inventory: anInventory(),
  load: { load1m: 0.5, memoryAvailableBytes: 50n * GIB, cpuUsedRatio: 0.12, pressure: undefined },
  capacityCpus: 64,
  capacityMemoryBytes: 62n * GIB,
  claimedCpus: 4,
  claimedMemoryBytes: 1n * GIB,
  vmCount: 2,
  wildVmCount: 1,
  networks: [aNetworkOnHost()],
  silentMs: 0n,
  agentVersion: "0.1.0",
  certificateExpiresAt: "2026-02-01T00:00:00Z",
  metricsAddress: "http://10.99.0.1:9180/metrics",
  traits: undefined,
  watchdogTimeoutMs: 0,
  off: "",
  fenceDevices: [],
  ...fields,
});

export const aNetworkOnHost = (fields: Partial<NetworkObservation> = {}): NetworkObservation => ({
  name: "blue",
  state: NetworkState.READY,
  message: "",
  vlan: 10,
  driver: "openvswitch",
  bridge: "br0",
  wanted: "",
  found: "",
  carries: [],
  ...fields,
});

export const aNetworkSpec = (fields: Partial<NetworkSpec> = {}): NetworkSpec => ({
  ...encodeNetworkSpec({ ...networkDefaults, name: "blue", segment: { kind: "vlan", vlan: 10 } }),
  ...fields,
});

export const aNetwork = (fields: Partial<Network> = {}): Network => ({
  spec: aNetworkSpec(),
  hosts: ["h1", "h2"].map((host) => ({
    host,
    online: true,
    observed: aNetworkOnHost(),
    usable: true,
    problem: "",
  })),
  vmCount: 2,
  createdAt: "2026-01-01T00:00:00Z",
  ...fields,
});

export const aStep = (fields: Partial<Step> = {}): Step => ({
  name: "move-guest",
  state: StepState.RUNNING,
  host: "h1",
  startedAt: "2026-01-01T00:00:01Z",
  endedAt: "",
  error: undefined,
  phase: "copying memory",
  durationMs: 3_000n,
  ...fields,
});

export const anOperation = (fields: Partial<Operation> = {}): Operation => ({
  id: "op-000001",
  type: "vm-migrate",
  subject: "vm/web-1",
  state: OperationState.RUNNING,
  steps: [
    aStep({
      name: "reserve-target",
      state: StepState.DONE,
      host: "h2",
      phase: "",
      durationMs: 20n,
    }),
    aStep(),
    aStep({ name: "clean-source", state: StepState.WAITING, phase: "", durationMs: 0n }),
  ],
  reason: "h1 gets new memory",
  requestedBy: "root",
  createdAt: "2026-01-01T00:00:00Z",
  endedAt: "",
  error: undefined,
  migration: {
    processedBytes: 260n * MIB,
    remainingBytes: 256n * MIB,
    totalBytes: 512n * MIB,
    bytesPerSecond: 85n * MIB,
    iteration: 2,
    dirtyBytesPerSecond: 5n * MIB,
    downtimeMs: 0,
    elapsedMs: 3_000,
  },
  cancelRequested: false,
  explanation: ["h2: most free memory"],
  revision: 7n,
  waitsFor: "",
  queuePlace: 0,
  pastReturn: false,
  stuckForMs: 0n,
  ...fields,
});

/** The same operation after it ended well. */
export const aSucceededOperation = (fields: Partial<Operation> = {}): Operation =>
  anOperation({
    state: OperationState.SUCCEEDED,
    steps: anOperation().steps.map((step) => ({ ...step, state: StepState.DONE, phase: "" })),
    endedAt: "2026-01-01T00:00:09Z",
    ...fields,
  });
