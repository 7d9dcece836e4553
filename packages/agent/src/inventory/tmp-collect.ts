import type { HostInventory } from "@muster/model";
import type { Hypervisor } from "../hypervisor/hypervisor.ts";
export async function collectInventory(p: {
  hypervisor: Hypervisor;
  system: unknown;
  agentVersion: string;
}): Promise<HostInventory> {
  const f = await p.hypervisor.facts();
  return {
    hostname: "x",
    cpu: {
      model: "m",
      vendor: "v",
      features: [],
      sockets: 1,
      cores: 1,
      threads: 1,
      logicalCpus: f.logicalCpus,
      frequencyMhz: 1,
      architecture: "x86_64",
      brand: "b",
    },
    memoryBytes: f.memoryBytes,
    numaCells: [],
    nics: [],
    storages: f.storages.map((s) => ({ ...s, shared: s.name === "shared", filesystem: "x" })),
    versions: {
      libvirt: f.libvirtVersion,
      qemu: f.qemuVersion,
      kernel: "k",
      agent: "a",
      operatingSystem: "o",
    },
    machineTypes: ["q35"],
    virtualization: "kvm",
    hostUuid: "u",
    disagreements: [],
    bootId: "b",
    hardware: "h",
  };
}
