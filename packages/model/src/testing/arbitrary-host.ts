/** Hosts for property tests. */
import * as fc from "fast-check";
import type {
  CpuInventory,
  HostInventory,
  HostLoad,
  HostPressure,
  NicInventory,
  NumaCell,
} from "../host.ts";
import {
  anyLine,
  anyMac,
  anyName,
  anyPositiveUint32,
  anyText,
  anyUint32,
  anyUint64,
  plainRecord,
} from "./arbitrary-basics.ts";

const anyCpu: fc.Arbitrary<CpuInventory> = plainRecord({
  model: anyText,
  vendor: anyText,
  features: fc.array(anyText, { maxLength: 5 }),
  sockets: anyUint32,
  cores: anyUint32,
  threads: anyUint32,
  logicalCpus: anyPositiveUint32,
  frequencyMhz: anyUint32,
  architecture: fc.constantFrom("x86_64", "aarch64"),
  brand: anyText,
  usableModels: fc.array(anyText, { maxLength: 5 }),
});

const anyCell: fc.Arbitrary<NumaCell> = plainRecord({
  id: anyUint32,
  memoryBytes: anyUint64,
  cpus: fc.array(anyUint32, { maxLength: 8 }),
  hugePages: fc.array(plainRecord({ pageBytes: anyUint64, total: anyUint64, free: anyUint64 }), {
    maxLength: 3,
  }),
});

const anyNic: fc.Arbitrary<NicInventory> = plainRecord({
  name: anyName,
  mac: anyMac,
  speedMbit: anyUint32,
  addresses: fc.array(anyText, { maxLength: 3 }),
  up: fc.boolean(),
  kind: anyText,
  mtu: anyUint32,
});

const anyStorage = plainRecord({
  name: anyLine,
  kind: fc.constantFrom("dir", "netfs", "logical"),
  path: anyText,
  capacityBytes: anyUint64,
  availableBytes: anyUint64,
  shared: fc.boolean(),
  filesystem: anyText,
});

export const anyHostInventory: fc.Arbitrary<HostInventory> = plainRecord({
  hostname: anyName,
  cpu: anyCpu,
  memoryBytes: anyUint64,
  numaCells: fc.array(anyCell, { maxLength: 2 }),
  nics: fc.array(anyNic, { maxLength: 3 }),
  storages: fc.array(anyStorage, { maxLength: 3 }),
  versions: plainRecord({
    libvirt: anyText,
    qemu: anyText,
    kernel: anyText,
    agent: anyText,
    operatingSystem: anyText,
  }),
  machineTypes: fc.array(anyText, { maxLength: 3 }),
  virtualization: fc.constantFrom("kvm", "qemu"),
  hostUuid: fc.uuid(),
  disagreements: fc.array(anyText, { maxLength: 3 }),
  bootId: fc.uuid(),
  hardware: anyText,
});

const anyShare = fc.float({ min: 0, max: 1, noNaN: true }).map(Math.abs);

const anyHostPressure: fc.Arbitrary<HostPressure> = plainRecord({
  cpu: anyShare,
  memory: anyShare,
  io: anyShare,
});

export const anyHostLoad: fc.Arbitrary<HostLoad> = plainRecord({
  load1m: fc.double({ min: 0, max: 10_000, noNaN: true }).map(Math.abs),
  memoryAvailableBytes: anyUint64,
  cpuUsedRatio: fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs),
  pressure: anyHostPressure,
});
