/** What a host has and how loaded it is. Lists are limited so that one host cannot fill the coordinator. */
import type * as pb from "@muster/proto/types";
import type {
  CpuInventory,
  HostInventory,
  HostLoad,
  HostPressure,
  HugePages,
  NicInventory,
  NumaCell,
  SoftwareVersions,
  StorageInventory,
} from "../host.ts";
import {
  fieldAt,
  measuredUint32,
  measuredUint64,
  readCount,
  readList,
  readMeasure,
  readText,
  required,
} from "./fields.ts";
import { decodeImageCache, encodeImageCache } from "./image.ts";

/** Each well above what the largest machines have; a longer list is an error or an attack. */
const FEATURES_MAX = 4096;
const CELLS_MAX = 1024;
const CELL_CPUS_MAX = 8192;
const PAGE_SIZES_MAX = 16;
const NICS_MAX = 8192;
const ADDRESSES_MAX = 1024;
const STORAGES_MAX = 1024;
const MACHINE_TYPES_MAX = 1024;
const DISAGREEMENTS_MAX = 256;

const readWord = (value: string, field: string): string => readText(value, field, { max: 1024 });

function decodeCpu(wire: pb.CpuInventory, field: string): CpuInventory {
  const at = (part: string): string => fieldAt(field, part);
  return {
    model: readWord(wire.model, at("model")),
    vendor: readWord(wire.vendor, at("vendor")),
    features: readList(wire.features, { field: at("features"), max: FEATURES_MAX }, readWord),
    sockets: readCount(wire.sockets, at("sockets")),
    cores: readCount(wire.cores, at("cores")),
    threads: readCount(wire.threads, at("threads")),
    logicalCpus: readCount(wire.logicalCpus, at("logicalCpus"), { min: 1 }),
    frequencyMhz: readCount(wire.frequencyMhz, at("frequencyMhz")),
    architecture: readWord(wire.architecture, at("architecture")),
    brand: readWord(wire.brand, at("brand")),
    usableModels: readList(
      wire.usableModels,
      { field: at("usableModels"), max: FEATURES_MAX },
      readWord,
    ),
  };
}

function encodeCpu(cpu: CpuInventory): pb.CpuInventory {
  return {
    ...cpu,
    features: [...cpu.features],
    usableModels: [...cpu.usableModels],
    sockets: measuredUint32(cpu.sockets),
    cores: measuredUint32(cpu.cores),
    threads: measuredUint32(cpu.threads),
    logicalCpus: measuredUint32(cpu.logicalCpus),
    frequencyMhz: measuredUint32(cpu.frequencyMhz),
  };
}

function decodeHugePages(wire: pb.HugePages): HugePages {
  return { pageBytes: wire.pageBytes, total: wire.total, free: wire.free };
}

function decodeCell(wire: pb.NumaCell, field: string): NumaCell {
  const at = (part: string): string => fieldAt(field, part);
  return {
    id: readCount(wire.id, at("id")),
    memoryBytes: wire.memoryBytes,
    cpus: readList(wire.cpus, { field: at("cpus"), max: CELL_CPUS_MAX }, (cpu, cpuField) =>
      readCount(cpu, cpuField),
    ),
    hugePages: readList(
      wire.hugePages,
      { field: at("hugePages"), max: PAGE_SIZES_MAX },
      decodeHugePages,
    ),
  };
}

function encodeCell(cell: NumaCell): pb.NumaCell {
  return {
    id: cell.id,
    memoryBytes: measuredUint64(cell.memoryBytes),
    cpus: [...cell.cpus],
    hugePages: cell.hugePages.map(({ pageBytes, total, free }) => ({
      pageBytes: measuredUint64(pageBytes),
      total: measuredUint64(total),
      free: measuredUint64(free),
    })),
  };
}

function decodeNic(wire: pb.NicInventory, field: string): NicInventory {
  const at = (part: string): string => fieldAt(field, part);
  return {
    name: readWord(wire.name, at("name")),
    mac: readWord(wire.mac, at("mac")),
    speedMbit: readCount(wire.speedMbit, at("speedMbit")),
    addresses: readList(wire.addresses, { field: at("addresses"), max: ADDRESSES_MAX }, readWord),
    up: wire.up,
    kind: readWord(wire.kind, at("kind")),
    mtu: readCount(wire.mtu, at("mtu")),
  };
}

function encodeNic(nic: NicInventory): pb.NicInventory {
  return {
    ...nic,
    speedMbit: measuredUint32(nic.speedMbit),
    addresses: [...nic.addresses],
    mtu: measuredUint32(nic.mtu),
  };
}

function decodeStorage(wire: pb.StorageInventory, field: string): StorageInventory {
  const at = (part: string): string => fieldAt(field, part);
  return {
    name: readText(wire.name, at("name"), { min: 1, max: 1024 }),
    kind: readWord(wire.kind, at("kind")),
    path: readText(wire.path, at("path")),
    capacityBytes: wire.capacityBytes,
    availableBytes: wire.availableBytes,
    shared: wire.shared,
    filesystem: readWord(wire.filesystem, at("filesystem")),
  };
}

function encodeStorage(storage: StorageInventory): pb.StorageInventory {
  return {
    ...storage,
    capacityBytes: measuredUint64(storage.capacityBytes),
    availableBytes: measuredUint64(storage.availableBytes),
  };
}

function decodeVersions(wire: pb.SoftwareVersions, field: string): SoftwareVersions {
  const at = (part: string): string => fieldAt(field, part);
  return {
    libvirt: readWord(wire.libvirt, at("libvirt")),
    qemu: readWord(wire.qemu, at("qemu")),
    kernel: readWord(wire.kernel, at("kernel")),
    agent: readWord(wire.agent, at("agent")),
    operatingSystem: readWord(wire.operatingSystem, at("operatingSystem")),
  };
}

export function decodeHostInventory(wire: pb.HostInventory, field: string): HostInventory {
  const at = (part: string): string => fieldAt(field, part);
  const { machineTypes, disagreements } = wire;
  return {
    hostname: readWord(wire.hostname, at("hostname")),
    cpu: decodeCpu(required(wire.cpu, at("cpu")), at("cpu")),
    memoryBytes: wire.memoryBytes,
    numaCells: readList(wire.numaCells, { field: at("numaCells"), max: CELLS_MAX }, decodeCell),
    nics: readList(wire.nics, { field: at("nics"), max: NICS_MAX }, decodeNic),
    storages: readList(wire.storages, { field: at("storages"), max: STORAGES_MAX }, decodeStorage),
    versions: decodeVersions(required(wire.versions, at("versions")), at("versions")),
    machineTypes: readList(
      machineTypes,
      { field: at("machineTypes"), max: MACHINE_TYPES_MAX },
      readWord,
    ),
    virtualization: readWord(wire.virtualization, at("virtualization")),
    hostUuid: readWord(wire.hostUuid, at("hostUuid")),
    disagreements: readList(
      disagreements,
      { field: at("disagreements"), max: DISAGREEMENTS_MAX },
      readWord,
    ),
    bootId: readWord(wire.bootId, at("bootId")),
    hardware: readWord(wire.hardware, at("hardware")),
    ...(wire.images === undefined ? {} : { images: decodeImageCache(wire.images, at("images")) }),
  };
}

export function encodeHostInventory(inventory: HostInventory): pb.HostInventory {
  return {
    ...inventory,
    cpu: encodeCpu(inventory.cpu),
    memoryBytes: measuredUint64(inventory.memoryBytes),
    numaCells: inventory.numaCells.map(encodeCell),
    nics: inventory.nics.map(encodeNic),
    storages: inventory.storages.map(encodeStorage),
    versions: { ...inventory.versions },
    machineTypes: [...inventory.machineTypes],
    disagreements: inventory.disagreements.slice(0, DISAGREEMENTS_MAX),
    images: inventory.images === undefined ? undefined : encodeImageCache(inventory.images),
  };
}

export function decodeHostLoad(wire: pb.HostLoad, field: string): HostLoad {
  return {
    load1m: readMeasure(wire.load1m, fieldAt(field, "load1m")),
    memoryAvailableBytes: wire.memoryAvailableBytes,
    cpuUsedRatio: readMeasure(wire.cpuUsedRatio, fieldAt(field, "cpuUsedRatio"), 1),
    ...(wire.pressure === undefined
      ? {}
      : { pressure: decodePressure(wire.pressure, fieldAt(field, "pressure")) }),
  };
}

function decodePressure(wire: pb.HostPressure, field: string): HostPressure {
  const share = (name: "cpu" | "memory" | "io"): number =>
    readMeasure(wire[name], fieldAt(field, name), 1);
  return { cpu: share("cpu"), memory: share("memory"), io: share("io") };
}

/** Differences of counters may come out a hair beyond 0 and 1. */
export function encodeHostLoad(load: HostLoad): pb.HostLoad {
  return {
    load1m: Math.max(0, load.load1m),
    memoryAvailableBytes: measuredUint64(load.memoryAvailableBytes),
    cpuUsedRatio: Math.min(1, Math.max(0, load.cpuUsedRatio)),
    pressure: load.pressure === undefined ? undefined : encodePressure(load.pressure),
  };
}

/** Single precision: three bytes less each, and the kernel gives two decimals. */
const encodePressure = ({ cpu, memory, io }: HostPressure): pb.HostPressure => {
  const share = (value: number): number => Math.min(1, Math.max(0, Math.fround(value)));
  return { cpu: share(cpu), memory: share(memory), io: share(io) };
};
