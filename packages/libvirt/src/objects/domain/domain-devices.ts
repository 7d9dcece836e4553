import type { CallOptions } from "../../pending-call.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf } from "../../protocol/names.ts";
import type { WithFlags } from "../call-flags.ts";
import { DomainGuest } from "./domain-guest.ts";

/** Devices, CPUs and memory of a domain, running or defined. */
export abstract class DomainDevices extends DomainGuest {
  /** virDomainAttachDeviceFlags (0.7.7). */
  async attachDevice(
    xml: string,
    options: WithFlags<flags.DomainDeviceModifyFlag> = {},
  ): Promise<void> {
    const args = { dom: this.reference, xml, flags: deviceBits(options) };
    await this.session.call("domainAttachDeviceFlags", args, options);
  }

  /** virDomainDetachDeviceFlags (0.7.7): a running guest may take its time; "deviceRemoved" says when. */
  async detachDevice(
    xml: string,
    options: WithFlags<flags.DomainDeviceModifyFlag> = {},
  ): Promise<void> {
    const args = { dom: this.reference, xml, flags: deviceBits(options) };
    await this.session.call("domainDetachDeviceFlags", args, options);
  }

  /** virDomainDetachDeviceAlias (4.4.0). */
  async detachDeviceAlias(
    alias: string,
    options: WithFlags<flags.DomainDeviceModifyFlag> = {},
  ): Promise<void> {
    const args = { dom: this.reference, alias, flags: deviceBits(options) };
    await this.session.call("domainDetachDeviceAlias", args, options);
  }

  /** virDomainUpdateDeviceFlags (0.8.0). */
  async updateDevice(
    xml: string,
    options: WithFlags<flags.DomainDeviceModifyFlag> = {},
  ): Promise<void> {
    const args = { dom: this.reference, xml, flags: deviceBits(options) };
    await this.session.call("domainUpdateDeviceFlags", args, options);
  }

  /** virDomainSetVcpusFlags (0.8.5). */
  async setVcpus(count: number, options: WithFlags<flags.DomainVcpuFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.domainVcpuFlags, options.flags);
    const args = { dom: this.reference, nvcpus: count, flags: bits };
    await this.session.call("domainSetVcpusFlags", args, options);
  }

  /** virDomainGetVcpusFlags (0.8.5). */
  async getVcpusCount(options: WithFlags<flags.DomainVcpuFlag> = {}): Promise<number> {
    const args = { dom: this.reference, flags: bitsOf(flags.domainVcpuFlags, options.flags) };
    return (await this.session.call("domainGetVcpusFlags", args, options)).num;
  }

  /** virDomainSetMemoryFlags (0.9.0): KiB. */
  async setMemory(
    kibibytes: bigint,
    options: WithFlags<flags.DomainMemoryModFlag> = {},
  ): Promise<void> {
    const bits = bitsOf(flags.domainMemoryModFlags, options.flags);
    const args = { dom: this.reference, memory: kibibytes, flags: bits };
    await this.session.call("domainSetMemoryFlags", args, options);
  }

  /** virDomainSetMaxMemory (0.0.3): KiB; of a domain that does not run. */
  async setMaxMemory(kibibytes: bigint, options?: CallOptions): Promise<void> {
    const args = { dom: this.reference, memory: kibibytes };
    await this.session.call("domainSetMaxMemory", args, options);
  }

  /** virDomainGetMaxMemory (0.0.3): KiB. */
  async getMaxMemory(options?: CallOptions): Promise<bigint> {
    return (await this.session.call("domainGetMaxMemory", { dom: this.reference }, options)).memory;
  }
}

function deviceBits(options: WithFlags<flags.DomainDeviceModifyFlag>): number {
  return bitsOf(flags.domainDeviceModifyFlags, options.flags);
}
