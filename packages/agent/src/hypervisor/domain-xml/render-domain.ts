/**
 * VmDefinition → libvirt domain XML. Pure; every value passes through `xml/render-xml.ts`, so none can become
 * markup. Devices are written in a fixed order: their PCI addresses, and so the guest's names for them, follow it.
 */
import { REPORT_CHANNEL } from "@muster/context";
import type { DiskSpec, VmId, VmSpec } from "@muster/model";
import type { VmDefinition } from "../hypervisor.ts";
import { element, renderXml, textElement, type XmlTree } from "../xml/render-xml.ts";
import {
  architectureDefaults,
  hasPciExpress,
  type ArchitectureDefaults,
  type DomainFacts,
} from "./domain-facts.ts";
import { bootElement, bootOrders } from "./boot-order.ts";
import { markElement } from "./mark.ts";
import { renderInterface } from "./render-interface.ts";

/**
 * Empty PCIe ports for devices plugged in while the guest runs. q35 offers one by itself, and the second device
 * would be refused; each port costs the guest little more than a bus number.
 */
export const SPARE_PCIE_PORTS = 4;
/** The balloon driver asks the guest this often; `domain-memory-stats` is at most this old. */
const BALLOON_STATS_PERIOD_S = 10;
const AGENT_CHANNEL = "org.qemu.guest_agent.0";

export const volumeNameOf = (vmId: VmId, diskIndex: number): string =>
  `${vmId}-${String(diskIndex)}.qcow2`;

/** Of the disk that tells the guest about itself: on the storage of its first disk. */
export const seedVolumeOf = (vmId: VmId): string => `${vmId}-seed.iso`;

/** What the guest has of it. */
export const SEED_TARGET = { dev: "sda", bus: "scsi" };

/** Where libvirt keeps what the guest says on its serial console. */
export const consoleLogPathOf = (vmName: string): string =>
  `/var/log/libvirt/qemu/${vmName}-console.log`;

export function renderDomain(definition: VmDefinition, facts: DomainFacts): string {
  const { spec, vmId } = definition;
  const defaults = architectureDefaults(facts.architecture);
  const machineType = spec.machineType ?? defaults.machineType;
  const mark = {
    clusterId: definition.clusterId,
    generation: definition.generation,
    operationId: definition.operationId,
  };
  return renderXml(
    element("domain", { type: facts.virtualization }, [
      textElement("name", spec.name),
      textElement("uuid", vmId),
      element("metadata", {}, [markElement(mark)]),
      textElement("memory", String(spec.memoryBytes), { unit: "b" }),
      textElement("vcpu", String(spec.cpus), { placement: "static" }),
      operatingSystem(spec, facts, machineType),
      // Others than x86 have no ACPI without UEFI firmware.
      element("features", {}, defaults.x86 ? [element("acpi"), element("apic")] : []),
      facts.virtualization === "test" ? undefined : cpu(spec, facts, defaults),
      clock(facts),
      textElement("on_poweroff", "destroy"),
      textElement("on_reboot", "restart"),
      // Nothing is kept of a crashed guest's memory: its claim is freed and the crash is reported.
      textElement("on_crash", "destroy"),
      element("pm", {}, [
        element("suspend-to-mem", { enabled: "no" }),
        element("suspend-to-disk", { enabled: "no" }),
      ]),
      element("devices", {}, devices(definition, facts, machineType)),
    ]),
  );
}

function operatingSystem(spec: VmSpec, facts: DomainFacts, machineType: string): XmlTree {
  const kernel = spec.kernel;
  return element("os", {}, [
    textElement("type", "hvm", {
      arch: facts.architecture,
      machine: machineType === "" ? undefined : machineType,
    }),
    ...(kernel === undefined
      ? // Beside orders of devices libvirt takes no order of kinds.
        [bootOrders(spec).firstDisk === undefined ? element("boot", { dev: "hd" }) : undefined]
      : [
          textElement("kernel", kernel.kernelPath),
          kernel.initrdPath === "" ? undefined : textElement("initrd", kernel.initrdPath),
          kernel.commandLine === "" ? undefined : textElement("cmdline", kernel.commandLine),
        ]),
  ]);
}

const CPU_MODES: ReadonlySet<string> = new Set(["host-model", "host-passthrough", "maximum"]);

function cpu(spec: VmSpec, facts: DomainFacts, defaults: ArchitectureDefaults): XmlTree {
  const emulated = facts.virtualization === "qemu";
  const model = spec.cpuModel ?? (emulated ? defaults.emulatedCpuModel : "host-model");
  const topology = element("topology", {
    sockets: "1",
    dies: "1",
    cores: String(spec.cpus),
    threads: "1",
  });
  if (CPU_MODES.has(model)) {
    // host-model is checked by libvirt against the target when the guest moves.
    const check = model === "host-model" ? "partial" : "none";
    return element("cpu", { mode: model, check }, [topology]);
  }
  // The emulator leaves out features it cannot emulate; it says so in its log, and the guest sees what it has.
  const attributes = { mode: "custom", match: "exact", check: emulated ? "none" : "partial" };
  return element("cpu", attributes, [
    textElement("model", model, { fallback: emulated ? "allow" : "forbid" }),
    topology,
  ]);
}

function clock(facts: DomainFacts): XmlTree {
  if (facts.virtualization !== "kvm" || facts.architecture !== "x86_64") {
    return element("clock", { offset: "utc" });
  }
  return element("clock", { offset: "utc" }, [
    element("timer", { name: "rtc", tickpolicy: "catchup" }),
    element("timer", { name: "pit", tickpolicy: "delay" }),
    element("timer", { name: "hpet", present: "no" }),
  ]);
}

function devices(
  { vmId, spec, attachments }: VmDefinition,
  facts: DomainFacts,
  machineType: string,
): readonly XmlTree[] {
  const orders = bootOrders(spec);
  const disks = spec.disks.map((disk, index) =>
    renderDisk(vmId, disk, { index, bootOrder: index === 0 ? orders.firstDisk : undefined }),
  );
  const interfaces = spec.nics.map((nic, index) =>
    renderInterface(
      nic,
      attachments[index] ?? { kind: "simulated", network: nic.network },
      orders.nics[index],
    ),
  );
  return [
    ...pciePorts(machineType, disks.length + interfaces.length + (hasSeed(spec) ? 1 : 0)),
    element("controller", { type: "usb", model: "none" }),
    element("controller", { type: "virtio-serial", index: "0" }),
    ...disks,
    ...interfaces,
    ...(facts.virtualization === "test" ? [] : [serial(spec)]),
    element("console", { type: "pty" }, [element("target", { type: "serial", port: "0" })]),
    element("channel", { type: "unix" }, [
      element("target", { type: "virtio", name: AGENT_CHANNEL }),
    ]),
    // Behind everything else: a guest that has a seed has the same addresses as one that has none.
    ...(hasSeed(spec) ? seedDevices(vmId, spec) : []),
    element("memballoon", { model: "virtio" }, [
      element("stats", { period: String(BALLOON_STATS_PERIOD_S) }),
    ]),
    element("rng", { model: "virtio" }, [
      textElement("backend", "/dev/urandom", { model: "random" }),
    ]),
  ];
}

const hasSeed = (spec: VmSpec): boolean =>
  spec.context !== undefined && spec.disks[0] !== undefined;

/** A CD on virtio, which kernels made for clouds have and SATA many of them have not; and the channel for reports. */
function seedDevices(vmId: VmId, spec: VmSpec): readonly XmlTree[] {
  return [
    element("controller", { type: "scsi", index: "0", model: "virtio-scsi" }),
    element("disk", { type: "volume", device: "cdrom" }, [
      element("driver", { name: "qemu", type: "raw" }),
      // Optional: a VM whose seed was removed after its first boot starts all the same, here or elsewhere.
      element("source", {
        pool: spec.disks[0]?.storage ?? "",
        volume: seedVolumeOf(vmId),
        startupPolicy: "optional",
      }),
      element("target", SEED_TARGET),
      element("readonly"),
    ]),
    element("channel", { type: "unix" }, [
      element("target", { type: "virtio", name: REPORT_CHANNEL }),
    ]),
  ];
}

function serial(spec: VmSpec): XmlTree {
  return element("serial", { type: "pty" }, [
    element("log", { file: consoleLogPathOf(spec.name), append: "on" }),
    element("target", { port: "0" }),
  ]);
}

/** One root port for every device we write (virtio-serial, balloon and rng too), and the spare ones. */
function pciePorts(machineType: string, disksAndNics: number): readonly XmlTree[] {
  if (!hasPciExpress(machineType)) return [];
  const count = disksAndNics + 3 + SPARE_PCIE_PORTS;
  return [
    element("controller", { type: "pci", index: "0", model: "pcie-root" }),
    ...Array.from({ length: count }, (_, index) =>
      element("controller", { type: "pci", index: String(index + 1), model: "pcie-root-port" }),
    ),
  ];
}

/** "vda" … "vdz", "vdaa": what the guest usually calls it too. */
export function diskTarget(index: number): string {
  const last = String.fromCharCode("a".charCodeAt(0) + (index % 26));
  return index < 26 ? `vd${last}` : `${diskTarget(Math.floor(index / 26) - 1)}${last}`;
}

function renderDisk(
  vmId: VmId,
  disk: DiskSpec,
  { index, bootOrder }: { readonly index: number; readonly bootOrder: number | undefined },
): XmlTree {
  return element("disk", { type: "volume", device: "disk" }, [
    // No host page cache: what the guest flushed is on the storage, which migration relies on.
    element("driver", { name: "qemu", type: "qcow2", cache: "none", discard: "unmap" }),
    element("source", { pool: disk.storage, volume: volumeNameOf(vmId, index) }),
    element("target", { dev: diskTarget(index), bus: "virtio" }),
    bootElement(bootOrder),
  ]);
}
