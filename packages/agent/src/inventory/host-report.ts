/**
 * What libvirt says and what the system says → one inventory. Pure. Where both know the same thing they are compared;
 * what does not agree is said in a sentence each, because it usually means that libvirtd sees another machine than
 * the agent (a container, a changed BIOS setting, a libvirtd from before a memory upgrade).
 */
import {
  renderSize,
  type HostInventory,
  type NicInventory,
  type NumaCell,
  type StorageInventory,
} from "@muster/model";
import type { HostFacts, NicFact, StorageFact } from "../hypervisor/hypervisor.ts";
import { isSharedStorage, mountOf } from "./mounts.ts";
import {
  parseCapabilities,
  parseDomainCapabilities,
  type HostCapabilities,
} from "./parse-capabilities.ts";
import type { Mount, SystemFacts, SystemNic } from "./system-facts.ts";

/** Firmware, crash kernels and rounding hide a little memory from one of the two. */
const MEMORY_TOLERANCE_PERCENT = 2n;

export interface HostReportParts {
  readonly hypervisor: HostFacts;
  readonly system: SystemFacts;
  readonly agentVersion: string;
}

export function hostReport({ hypervisor, system, agentVersion }: HostReportParts): HostInventory {
  const capabilities = parseCapabilities(hypervisor.capabilitiesXml);
  const domainCapabilities = parseDomainCapabilities(hypervisor.domainCapabilitiesXml);
  return {
    hostname: system.hostname,
    cpu: {
      // What guests are given, where libvirt says so: two hosts with equal models exchange guests.
      model: domainCapabilities.hostModel || capabilities.cpuModel,
      vendor: capabilities.cpuVendor || system.cpu.vendor,
      features: capabilities.cpuFeatures,
      sockets: capabilities.sockets || system.cpu.sockets,
      cores: coresOf(capabilities, system),
      threads: capabilities.threadsPerCore || 1,
      logicalCpus: hypervisor.logicalCpus || system.logicalCpus,
      frequencyMhz: system.cpu.frequencyMhz,
      architecture: capabilities.architecture || system.cpu.architecture,
      brand: system.cpu.brand,
      usableModels: domainCapabilities.usableCpuModels,
    },
    memoryBytes: hypervisor.memoryBytes > 0n ? hypervisor.memoryBytes : system.memoryBytes,
    numaCells: capabilities.numaCells.map((cell) => withFreePages(cell, system)),
    nics: system.nics.map(nicFrom),
    storages: hypervisor.storages.map((storage) => storageFrom(storage, system.mounts)),
    versions: {
      libvirt: hypervisor.libvirtVersion,
      qemu: hypervisor.qemuVersion,
      kernel: system.kernel,
      agent: agentVersion,
      operatingSystem: system.operatingSystem,
    },
    machineTypes: capabilities.machineTypes,
    virtualization: capabilities.virtualization,
    hostUuid: capabilities.hostUuid,
    disagreements: disagreements(hypervisor, system, capabilities),
    bootId: system.bootId,
    hardware: system.hardware,
  };
}

/** Where the system does not say how many huge pages are free, all of them are taken to be. */
const withFreePages = (cell: NumaCell, { freeHugePages }: SystemFacts): NumaCell => ({
  ...cell,
  hugePages: cell.hugePages.map((pages) => ({
    ...pages,
    free:
      freeHugePages.find((known) => known.cell === cell.id && known.pageBytes === pages.pageBytes)
        ?.free ?? pages.free,
  })),
});

/** Of all sockets together. */
function coresOf(capabilities: HostCapabilities, system: SystemFacts): number {
  const { coresPerSocket, sockets } = capabilities;
  return coresPerSocket > 0 ? coresPerSocket * Math.max(1, sockets) : system.cpu.physicalCores;
}

const nicFrom = (nic: SystemNic): NicInventory => ({
  name: nic.name,
  mac: nic.mac,
  speedMbit: nic.speedMbit,
  addresses: nic.addresses,
  up: nic.up,
  kind: nic.kind,
  mtu: nic.mtu,
});

function storageFrom(storage: StorageFact, mounts: readonly Mount[]): StorageInventory {
  const mount = storage.path === "" ? undefined : mountOf(storage.path, mounts);
  return {
    name: storage.name,
    kind: storage.kind,
    path: storage.path,
    capacityBytes: storage.capacityBytes,
    availableBytes: storage.availableBytes,
    shared: isSharedStorage(storage, mounts),
    filesystem: mount?.filesystem ?? "",
  };
}

/** In a fixed order, so that equal findings make equal reports. */
export function disagreements(
  hypervisor: HostFacts,
  system: SystemFacts,
  capabilities: HostCapabilities,
): readonly string[] {
  return [
    memoryDisagreement(hypervisor.memoryBytes, system.memoryBytes),
    cpuDisagreement(hypervisor.logicalCpus, system.logicalCpus),
    cellsDisagreement(hypervisor, capabilities),
    architectureDisagreement(capabilities.architecture, system.cpu.architecture),
    ...sharedAddresses(system.nics),
    ...nicDisagreements(hypervisor.nics, system.nics),
    capabilities.hostUuid === "" ? "libvirt gives this host no uuid" : undefined,
  ].filter((sentence) => sentence !== undefined);
}

function memoryDisagreement(libvirtBytes: bigint, systemBytes: bigint): string | undefined {
  const difference = libvirtBytes - systemBytes;
  const size = difference < 0n ? -difference : difference;
  if (size * 100n <= systemBytes * MEMORY_TOLERANCE_PERCENT) return undefined;
  const [ours, theirs] = [renderSize(systemBytes), renderSize(libvirtBytes)];
  return `libvirt sees ${theirs} of memory, the system ${ours}`;
}

function cpuDisagreement(libvirtCpus: number, systemCpus: number): string | undefined {
  if (libvirtCpus === systemCpus) return undefined;
  return `libvirt sees ${String(libvirtCpus)} CPUs, the system ${String(systemCpus)}`;
}

function cellsDisagreement(facts: HostFacts, capabilities: HostCapabilities): string | undefined {
  if (capabilities.numaCells.length === 0 || capabilities.logicalCpus === facts.logicalCpus) {
    return undefined;
  }
  const [inCells, all] = [String(capabilities.logicalCpus), String(facts.logicalCpus)];
  return `libvirt's NUMA cells have ${inCells} CPUs of ${all}`;
}

function architectureDisagreement(libvirt: string, system: string): string | undefined {
  if (libvirt === "" || system === "" || libvirt === system) return undefined;
  return `libvirt sees architecture ${libvirt}, the system ${system}`;
}

/** Ports of one bond share an address on purpose; two separate NICs with one address confuse every switch. */
function sharedAddresses(nics: readonly SystemNic[]): readonly string[] {
  const wired = nics.filter((nic) => nic.kind === "wired" && nic.mac !== "");
  const byMac = Map.groupBy(wired, (nic) => nic.mac);
  return [...byMac].flatMap(([mac, sharing]) => {
    if (sharing.length < 2 || nics.some((nic) => nic.kind === "bond" && nic.mac === mac)) return [];
    return [`NICs ${sharing.map(({ name }) => name).join(" and ")} have one address, ${mac}`];
  });
}

/** Only cards: libvirt and the system may well differ on what guests plug in meanwhile. */
function nicDisagreements(
  libvirt: readonly NicFact[],
  system: readonly SystemNic[],
): readonly string[] {
  if (libvirt.length === 0) return [];
  const macs = new Map(libvirt.map(({ name, mac }) => [name, mac]));
  return system
    .filter((nic) => nic.kind === "wired")
    .flatMap(({ name, mac }) => {
      const seen = macs.get(name);
      if (seen === mac) return [];
      if (seen === undefined) return [`libvirt does not see NIC ${name}`];
      return [`libvirt sees NIC ${name} as ${seen}, the system as ${mac}`];
    });
}
