/**
 * Domain XML → what observation and adoption need. Pure. Wild domains pass through here too, so whatever is not
 * understood is left out, and only an unreadable document is an error.
 */
import { MusterError, parseVmId, type KernelBoot, type VmId } from "@muster/model";
import {
  attributeOf,
  childOf,
  childrenOf,
  descend,
  textOf,
  type XmlElement,
} from "../xml/element.ts";
import { parseXml } from "../xml/parse-xml.ts";
import { findMark, type VmMark } from "./mark.ts";

export interface DomainDisk {
  readonly target: string;
  /** Where the contents are; "other" is passed through, network or empty. */
  readonly source:
    | { readonly kind: "volume"; readonly storage: string; readonly volume: string }
    | { readonly kind: "path"; readonly path: string }
    | { readonly kind: "other"; readonly type: string };
}

export interface DomainNic {
  /** Lower case; empty when the domain does not say. */
  readonly mac: string;
  readonly kind: string;
  /** Host side device while it runs, or as configured. */
  readonly device: string;
  readonly bridge: string;
  readonly vlan: number | undefined;
}

export interface ParsedDomain {
  readonly vmId: VmId;
  readonly name: string;
  readonly virtualization: string;
  readonly memoryBytes: bigint;
  readonly cpus: number;
  readonly machineType: string;
  readonly cpuModel: string | undefined;
  /** Absent: a wild domain. */
  readonly mark: VmMark | undefined;
  readonly disks: readonly DomainDisk[];
  readonly nics: readonly DomainNic[];
  readonly kernel: KernelBoot | undefined;
}

export function parseDomain(xml: string, what: string): ParsedDomain {
  const domain = parseXml(xml, what);
  const uuid = textOf(childOf(domain, "uuid"));
  const name = textOf(childOf(domain, "name"));
  if (domain.name !== "domain" || uuid === undefined || name === undefined) {
    throw new MusterError("hypervisor-failed", `cannot read the ${what}: it has no name and uuid`);
  }
  const devices = childOf(domain, "devices");
  const vcpu = childOf(domain, "vcpu");
  return {
    vmId: parseVmId(uuid),
    name,
    virtualization: attributeOf(domain, "type") ?? "",
    memoryBytes: memoryOf(childOf(domain, "memory")),
    // `current` counts the ones that are plugged in.
    cpus: Number(attributeOf(vcpu, "current") ?? textOf(vcpu) ?? "1"),
    machineType: attributeOf(descend(domain, "os", "type"), "machine") ?? "",
    cpuModel: textOf(descend(domain, "cpu", "model")),
    mark: findMark(childOf(domain, "metadata")),
    disks: childrenOf(devices, "disk")
      .filter((disk) => (attributeOf(disk, "device") ?? "disk") === "disk")
      .map(diskFrom),
    nics: childrenOf(devices, "interface").map(nicFrom),
    kernel: kernelFrom(childOf(domain, "os")),
  };
}

const unitFactors: Readonly<Record<string, bigint>> = {
  b: 1n,
  bytes: 1n,
  KB: 1000n,
  k: 1024n,
  KiB: 1024n,
  MB: 1000n ** 2n,
  M: 1024n ** 2n,
  MiB: 1024n ** 2n,
  GB: 1000n ** 3n,
  G: 1024n ** 3n,
  GiB: 1024n ** 3n,
  TB: 1000n ** 4n,
  T: 1024n ** 4n,
  TiB: 1024n ** 4n,
};

/** Bytes of `<memory unit="KiB">…</memory>`; 0 when it is absent or makes no sense. */
export function memoryOf(memory: XmlElement | undefined): bigint {
  const text = textOf(memory);
  const factor = unitFactors[attributeOf(memory, "unit") ?? "KiB"];
  if (text === undefined || factor === undefined || !/^\d{1,20}$/.test(text)) return 0n;
  return BigInt(text) * factor;
}

function diskFrom(disk: XmlElement): DomainDisk {
  const source = childOf(disk, "source");
  const target = attributeOf(childOf(disk, "target"), "dev") ?? "";
  const type = attributeOf(disk, "type") ?? "";
  const storage = attributeOf(source, "pool");
  const volume = attributeOf(source, "volume");
  if (type === "volume" && storage !== undefined && volume !== undefined) {
    return { target, source: { kind: "volume", storage, volume } };
  }
  const path = attributeOf(source, "file") ?? attributeOf(source, "dev");
  if (path !== undefined) return { target, source: { kind: "path", path } };
  return { target, source: { kind: "other", type } };
}

function nicFrom(nic: XmlElement): DomainNic {
  const tag = attributeOf(descend(nic, "vlan", "tag"), "id");
  return {
    mac: (attributeOf(childOf(nic, "mac"), "address") ?? "").toLowerCase(),
    kind: attributeOf(nic, "type") ?? "",
    device: attributeOf(childOf(nic, "target"), "dev") ?? "",
    bridge: attributeOf(childOf(nic, "source"), "bridge") ?? "",
    vlan: tag === undefined || !/^\d{1,4}$/.test(tag) ? undefined : Number(tag),
  };
}

/** Text as it was written: a command line may begin or end with blanks. */
function kernelFrom(os: XmlElement | undefined): KernelBoot | undefined {
  const kernel = childOf(os, "kernel");
  if (kernel === undefined) return undefined;
  return {
    kernelPath: kernel.text,
    initrdPath: childOf(os, "initrd")?.text ?? "",
    commandLine: childOf(os, "cmdline")?.text ?? "",
  };
}
