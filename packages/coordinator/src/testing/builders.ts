/** Whole values with one interesting field each, for tests of the coordinator. */
import {
  GIB,
  operationIdFrom,
  parseClusterId,
  parseHostId,
  networkDefaults,
  parseVmId,
  type AgentMessage,
  type HostId,
  type HostInventory,
  type HostRecord,
  type NetworkObservation,
  type NetworkRecord,
  type OperationRecord,
  type Placement,
  type VmId,
  type VmObservation,
  type VmRecord,
  type VmSpec,
} from "@muster/model";
import { keyOf, type Kind, type RecordKinds } from "../ledger/records.ts";
import { Tables } from "../ledger/view.ts";
import type { HostObservation, Observations } from "../observations/observations.ts";

const uuid = (kind: string, number: number): string =>
  `${kind}0000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;

export const hostIdOf = (number: number): HostId => parseHostId(uuid("a", number));
export const vmIdOf = (number: number): VmId => parseVmId(uuid("b", number));
export const clusterId = parseClusterId("cc000000-0000-4000-8000-000000000000");

export const WHEN = "2026-01-01T00:00:00.000Z";

export const aHost = (number: number, change: Partial<HostRecord> = {}): HostRecord => ({
  id: hostIdOf(number),
  name: `h${String(number)}`,
  cordoned: false,
  cordonReason: "",
  certificateSerial: "00",
  certificateExpiresAt: "2027-01-01T00:00:00.000Z",
  enrolledAt: WHEN,
  connectedBefore: true,
  ...change,
});

export const aSpec = (name: string, change: Partial<VmSpec> = {}): VmSpec => ({
  name,
  cpus: 1,
  memoryBytes: GIB,
  disks: [{ storage: "shared", sizeBytes: GIB }],
  nics: [],
  antiAffinityGroups: [],
  ...change,
});

/** Created, stopped for all the ledger knows, and on no host. */
export const aVm = (number: number, change: Partial<VmRecord> = {}): VmRecord => ({
  id: vmIdOf(number),
  spec: aSpec(`vm-${String(number)}`),
  created: true,
  createdAt: WHEN,
  ...change,
});

export const onHost = (number: number, generation = 1): Placement => ({
  hostId: hostIdOf(number),
  generation,
});

export const aNetwork = (name: string, change: Partial<NetworkRecord> = {}): NetworkRecord => ({
  spec: { ...networkDefaults, name, segment: { kind: "vlan", vlan: 10 } },
  createdAt: WHEN,
  removing: false,
  ...change,
});

export const anOperation = (
  number: number,
  change: Partial<OperationRecord> = {},
): OperationRecord => ({
  id: operationIdFrom(number),
  type: "vm-start",
  subject: "vm/vm-1",
  state: "succeeded",
  steps: [],
  parameters: {},
  reason: "",
  requestedBy: "tester",
  requestId: "",
  createdAt: WHEN,
  endedAt: WHEN,
  cancelRequested: false,
  explanation: [],
  ...change,
});

export const seen = (number: number, change: Partial<VmObservation> = {}): VmObservation => ({
  id: vmIdOf(number),
  name: `vm-${String(number)}`,
  state: "running",
  reason: "booted",
  managed: true,
  generation: 1,
  cpus: 1,
  memoryBytes: GIB,
  macs: [],
  migrating: false,
  persistent: true,
  ...change,
});

export const readyNetwork = (name: string): NetworkObservation => ({
  name,
  state: "ready",
  message: "",
  vlan: 10,
  driver: "simulated",
  bridge: "br0",
  wanted: "",
  found: "",
  carries: [],
});

export const anInventory = (change: Partial<HostInventory> = {}): HostInventory => ({
  hostname: "machine",
  cpu: {
    model: "Skylake-Server",
    vendor: "Intel",
    features: [],
    sockets: 1,
    cores: 8,
    threads: 1,
    logicalCpus: 8,
    frequencyMhz: 2_000,
    architecture: "x86_64",
    brand: "",
    usableModels: ["Skylake-Server"],
  },
  memoryBytes: 16n * GIB,
  numaCells: [],
  nics: [],
  storages: [
    {
      name: "shared",
      kind: "dir",
      path: "/srv",
      capacityBytes: 1_000n * GIB,
      availableBytes: 900n * GIB,
      shared: true,
      filesystem: "nfs",
    },
  ],
  versions: { libvirt: "11.0.0", qemu: "10.0.0", kernel: "", agent: "", operatingSystem: "" },
  machineTypes: ["q35"],
  virtualization: "kvm",
  hostUuid: "",
  disagreements: [],
  bootId: "",
  hardware: "",
  ...change,
});

export type Put = {
  readonly [K in Kind]: readonly [K, RecordKinds[K]];
}[Kind];

/** A view as the ledger would give it. */
export function viewOf(...records: readonly Put[]): Tables {
  const tables = new Tables();
  tables.put("cluster", { id: clusterId, operationCount: 0, macCount: 0 });
  for (const [kind, value] of records) tables.put(kind, value);
  return tables;
}

/** Every record of a view, in order of its key: two views with the same truth give the same text. */
export function contentsOf(view: Tables): ReadonlyMap<string, unknown> {
  const all: readonly (readonly [string, unknown])[] = [
    [keyOf("cluster", view.cluster), view.cluster] as const,
    ...[...view.hosts.values()].map((value) => [keyOf("host", value), value] as const),
    ...[...view.vms.values()].map((value) => [keyOf("vm", value), value] as const),
    ...[...view.networks.values()].map((value) => [keyOf("network", value), value] as const),
    ...[...view.operations.values()].map((value) => [keyOf("operation", value), value] as const),
    ...[...view.invites.values()].map((value) => [keyOf("invite", value), value] as const),
  ];
  return new Map(all.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

export const aHello: Extract<AgentMessage, { kind: "hello" }> = {
  kind: "hello",
  protocolVersions: [1],
  agentVersion: "0.1.0",
  agentIncarnation: "one",
  migrationAddress: "machine",
  metricsAddress: "",
};

export const aReport = (
  vms: readonly VmObservation[],
  change: Partial<Extract<AgentMessage, { kind: "full-report" }>> = {},
): Extract<AgentMessage, { kind: "full-report" }> => ({
  kind: "full-report",
  sequence: 1n,
  inventory: anInventory(),
  vms,
  networks: [],
  load: { load1m: 0, memoryAvailableBytes: GIB, cpuUsedRatio: 0 },
  runningCommandIds: [],
  ...change,
});

/** The host's agent connected and said what it has. */
export function report(
  observations: Observations,
  hostNumber: number,
  vms: readonly VmObservation[],
  change: Partial<Extract<AgentMessage, { kind: "full-report" }>> = {},
): void {
  observations.sessionOpened(hostIdOf(hostNumber), aHello);
  observations.fullReport(hostIdOf(hostNumber), aReport(vms, change));
}

/** Connected and heard. */
export const aHostObservation = (
  vms: readonly VmObservation[],
  change: Partial<HostObservation> = {},
): HostObservation => ({
  knowsSeeds: true,
  connected: true,
  reported: true,
  heardAtMs: 0,
  libvirtAlive: true,
  sequence: 1n,
  agentVersion: "0.1.0",
  migrationAddress: "machine",
  metricsAddress: "",
  inventory: anInventory(),
  vms: new Map(vms.map((vm) => [vm.id, vm])),
  networks: new Map(),
  ...change,
});
