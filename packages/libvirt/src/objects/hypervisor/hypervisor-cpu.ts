import type { CallOptions } from "../../pending-call.ts";
import { cpuCompareResult } from "../../protocol/generated/enums.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf, nameOf } from "../../protocol/names.ts";
import type { WithFlags } from "../call-flags.ts";
import { HypervisorNode } from "./hypervisor-node.ts";

/** Which hypervisor a question is about; libvirt's default for what is left out. */
export interface EmulatorChoice {
  /** Path of the emulator binary. */
  readonly emulator?: string | undefined;
  readonly arch?: string | undefined;
  readonly machine?: string | undefined;
  /** For example "kvm" or "qemu". */
  readonly virttype?: string | undefined;
}

export type CpuComparison = "incompatible" | "identical" | "superset";

type CompareFlags = WithFlags<flags.ConnectCompareCpuFlag>;
type BaselineFlags = WithFlags<flags.ConnectBaselineCpuFlag>;

const choice = ({ emulator, arch, machine, virttype }: EmulatorChoice) => ({
  emulator: emulator ?? null,
  arch: arch ?? null,
  machine: machine ?? null,
  virttype: virttype ?? null,
});

/** CPU models: what the host has, what a cluster of hosts has in common. */
export abstract class HypervisorCpu extends HypervisorNode {
  /** virConnectGetDomainCapabilities (1.2.7): XML of what a domain of this kind may use. */
  async getDomainCapabilities(
    options: EmulatorChoice & WithFlags<flags.ConnectGetDomainCapabilitiesFlag> = {},
  ): Promise<string> {
    const { emulator, ...rest } = choice(options);
    const bits = bitsOf(flags.connectGetDomainCapabilitiesFlags, options.flags);
    const args = { emulatorbin: emulator, ...rest, flags: bits };
    return (await this.session.call("connectGetDomainCapabilities", args, options)).capabilities;
  }

  /** virConnectGetCPUModelNames (1.1.3). */
  async getCpuModelNames(arch: string, options?: CallOptions): Promise<readonly string[]> {
    const args = { arch, need_results: 1, flags: 0 };
    return (await this.session.call("connectGetCpuModelNames", args, options)).models;
  }

  /** virConnectCompareCPU (0.7.5): `xml` is a <cpu>; "superset" means that the host has more. */
  async compareCpu(xml: string, options: CompareFlags = {}): Promise<CpuComparison> {
    const bits = bitsOf(flags.connectCompareCpuFlags, options.flags);
    const { result } = await this.session.call("connectCompareCpu", { xml, flags: bits }, options);
    return comparison(result);
  }

  /** virConnectCompareHypervisorCPU (4.4.0): as compareCpu, against what the hypervisor can give. */
  async compareHypervisorCpu(
    xml: string,
    options: EmulatorChoice & CompareFlags = {},
  ): Promise<CpuComparison> {
    const bits = bitsOf(flags.connectCompareCpuFlags, options.flags);
    const args = { ...choice(options), xmlCPU: xml, flags: bits };
    return comparison(
      (await this.session.call("connectCompareHypervisorCpu", args, options)).result,
    );
  }

  /** virConnectBaselineCPU (0.7.7): the richest <cpu> that all of `xmls` have. */
  async baselineCpu(xmls: readonly string[], options: BaselineFlags = {}): Promise<string> {
    const bits = bitsOf(flags.connectBaselineCpuFlags, options.flags);
    const args = { xmlCPUs: xmls, flags: bits };
    return (await this.session.call("connectBaselineCpu", args, options)).cpu;
  }

  /** virConnectBaselineHypervisorCPU (4.4.0): as baselineCpu, within what the hypervisor can give. */
  async baselineHypervisorCpu(
    xmls: readonly string[],
    options: EmulatorChoice & BaselineFlags = {},
  ): Promise<string> {
    const bits = bitsOf(flags.connectBaselineCpuFlags, options.flags);
    const args = { ...choice(options), xmlCPUs: xmls, flags: bits };
    return (await this.session.call("connectBaselineHypervisorCpu", args, options)).cpu;
  }
}

/** An error is an answer of its own; any other number would be a result that we do not know. */
function comparison(result: number): CpuComparison {
  const name = nameOf(cpuCompareResult, result);
  if (name === "error" || name === "unknown") throw new RangeError(`CPU comparison gave ${result}`);
  return name;
}
