/** libvirt's capabilities and domain capabilities → what the inventory and the planner need. Pure. */
import type { HugePages, NumaCell } from "@muster/model";
import { memoryOf } from "../hypervisor/domain-xml/parse-domain.ts";
import {
  attributeOf,
  childOf,
  childrenOf,
  descend,
  textOf,
  type XmlElement,
} from "../hypervisor/xml/element.ts";
import { parseXml } from "../hypervisor/xml/parse-xml.ts";

export interface HostCapabilities {
  readonly hostUuid: string;
  readonly architecture: string;
  readonly cpuModel: string;
  readonly cpuVendor: string;
  /** Sorted; as libvirt names them. */
  readonly cpuFeatures: readonly string[];
  readonly sockets: number;
  /** Of one socket, all dies together. */
  readonly coresPerSocket: number;
  readonly threadsPerCore: number;
  readonly logicalCpus: number;
  readonly numaCells: readonly NumaCell[];
  /** Of the host's own architecture; sorted. */
  readonly machineTypes: readonly string[];
  readonly virtualization: "kvm" | "qemu" | "test";
}

export function parseCapabilities(xml: string): HostCapabilities {
  const root = parseXml(xml, "capabilities of this host");
  const host = childOf(root, "host");
  const cpu = childOf(host, "cpu");
  const topology = childOf(cpu, "topology");
  const architecture = textOf(childOf(cpu, "arch")) ?? "";
  const cells = childrenOf(descend(host, "topology", "cells"), "cell");
  const numaCells = cells.map(numaCellFrom);
  const archs = childrenOf(root, "guest")
    .map((guest) => childOf(guest, "arch"))
    .filter((arch) => attributeOf(arch, "name") === architecture);
  return {
    hostUuid: textOf(childOf(host, "uuid")) ?? "",
    architecture,
    cpuModel: textOf(childOf(cpu, "model")) ?? "",
    cpuVendor: textOf(childOf(cpu, "vendor")) ?? "",
    cpuFeatures: namesOf(childrenOf(cpu, "feature")),
    // In CPU topology libvirt counts the sockets of one NUMA cell.
    sockets: socketsIn(cells) || whole(attributeOf(topology, "sockets")),
    coresPerSocket:
      whole(attributeOf(topology, "cores")) * (whole(attributeOf(topology, "dies")) || 1),
    threadsPerCore: whole(attributeOf(topology, "threads")),
    logicalCpus: numaCells.reduce((sum, cell) => sum + cell.cpus.length, 0),
    numaCells,
    machineTypes: machineTypesOf(archs),
    virtualization: virtualizationOf(archs),
  };
}

export interface DomainCapabilities {
  /** What `host-model` gives a guest; empty where it is not supported. */
  readonly hostModel: string;
  /** CPU models a guest can be given by name; sorted. */
  readonly usableCpuModels: readonly string[];
}

/** An empty document, from a driver that has none, gives empty answers. */
export function parseDomainCapabilities(xml: string): DomainCapabilities {
  if (xml.trim() === "") return { hostModel: "", usableCpuModels: [] };
  const root = parseXml(xml, "domain capabilities of this host");
  const modes = childrenOf(childOf(root, "cpu"), "mode");
  const mode = (name: string): XmlElement | undefined =>
    modes.find(
      (candidate) =>
        attributeOf(candidate, "name") === name && attributeOf(candidate, "supported") === "yes",
    );
  const usable = childrenOf(mode("custom"), "model").filter(
    (model) => attributeOf(model, "usable") === "yes",
  );
  return {
    hostModel: textOf(childOf(mode("host-model"), "model")) ?? "",
    usableCpuModels: sorted(usable.flatMap((model) => textOf(model) ?? [])),
  };
}

function numaCellFrom(cell: XmlElement): NumaCell {
  const cpus = childrenOf(childOf(cell, "cpus"), "cpu");
  return {
    id: whole(attributeOf(cell, "id")),
    memoryBytes: memoryOf(childOf(cell, "memory")),
    cpus: cpus.map((cpu) => whole(attributeOf(cpu, "id"))),
    hugePages: childrenOf(cell, "pages").flatMap(hugePagesFrom),
  };
}

/** Pages larger than 4 KiB, as if all were free: libvirt's capabilities do not say, `hostReport` corrects it. */
function hugePagesFrom(pages: XmlElement): readonly HugePages[] {
  const sizeKib = BigInt(whole(attributeOf(pages, "size")));
  const total = BigInt(whole(textOf(pages)));
  if (sizeKib <= 4n || attributeOf(pages, "unit") !== "KiB") return [];
  return [{ pageBytes: sizeKib * 1024n, total, free: total }];
}

function socketsIn(cells: readonly XmlElement[]): number {
  const ids = cells
    .flatMap((cell) => childrenOf(childOf(cell, "cpus"), "cpu"))
    .flatMap((cpu) => attributeOf(cpu, "socket_id") ?? []);
  return new Set(ids).size;
}

type Archs = readonly (XmlElement | undefined)[];

function machineTypesOf(archs: Archs): readonly string[] {
  const own = archs.flatMap((arch) => childrenOf(arch, "machine"));
  const ofDomains = archs
    .flatMap((arch) => childrenOf(arch, "domain"))
    .flatMap((domain) => childrenOf(domain, "machine"));
  return sorted(new Set([...own, ...ofDomains].flatMap((machine) => textOf(machine) ?? [])));
}

function virtualizationOf(archs: Archs): "kvm" | "qemu" | "test" {
  const types = archs
    .flatMap((arch) => childrenOf(arch, "domain"))
    .map((domain) => attributeOf(domain, "type"));
  if (types.includes("kvm")) return "kvm";
  return types.includes("test") ? "test" : "qemu";
}

const namesOf = (elements: readonly XmlElement[]): readonly string[] =>
  sorted(elements.flatMap((element) => attributeOf(element, "name") ?? []));

const sorted = (names: Iterable<string>): readonly string[] => [...names].sort();

/** 0 for what is absent or no number. */
const whole = (text: string | undefined): number =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : 0;
