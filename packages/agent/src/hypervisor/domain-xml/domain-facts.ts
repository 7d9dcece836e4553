/** What of the host decides how a domain is written. Pure. */
import { MusterError } from "@muster/model";

export interface DomainFacts {
  /** "qemu" where there is no hardware virtualisation; "test" is libvirt's own test driver. */
  readonly virtualization: "kvm" | "qemu" | "test";
  /** libvirt's name: "x86_64", "aarch64". */
  readonly architecture: string;
}

export interface ArchitectureDefaults {
  readonly machineType: string;
  /** The model guests get under emulation, where the host's own cannot be offered. */
  readonly emulatedCpuModel: string;
  /** x86 guests want ACPI and the APIC named; others have them or do not know them. */
  readonly x86: boolean;
}

const architectures: Readonly<Record<string, ArchitectureDefaults>> = {
  x86_64: { machineType: "q35", emulatedCpuModel: "qemu64", x86: true },
  // The test driver's only architecture; its guests are never built.
  i686: { machineType: "", emulatedCpuModel: "qemu32", x86: true },
  aarch64: { machineType: "virt", emulatedCpuModel: "cortex-a57", x86: false },
};

export function architectureDefaults(architecture: string): ArchitectureDefaults {
  const defaults = architectures[architecture];
  if (defaults === undefined) {
    const known = Object.keys(architectures).join(", ");
    throw new MusterError("hypervisor-failed", `cannot define VMs on a ${architecture} host`, {
      hint: `muster knows ${known}`,
    });
  }
  return defaults;
}

/** Machine types with PCI Express, where hot-plug needs spare root ports. */
export const hasPciExpress = (machineType: string): boolean =>
  /^(pc-)?q35(-|$)/.test(machineType) || /^virt(-|$)/.test(machineType);
