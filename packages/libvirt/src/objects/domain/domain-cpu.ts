import type { CallOptions } from "../../pending-call.ts";
import { vcpuState, type VcpuState } from "../../protocol/generated/enums.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf, nameOf } from "../../protocol/names.ts";
import { toTypedParameters } from "../../xdr/parameter-spec.ts";
import type { TypedParameters } from "../../xdr/typed-parameters.ts";
import type { WithFlags } from "../call-flags.ts";
import { decodeCpuMap, decodeCpuMaps, encodeCpuMap } from "../cpu-map.ts";
import { iothreadFields, type IothreadParameters } from "../tunables.ts";
import { DomainDevices } from "./domain-devices.ts";

type Impact = WithFlags<flags.DomainModificationImpactFlag>;

export interface VcpuInfo {
  readonly number: number;
  readonly state: VcpuState;
  /** CPU time used, in nanoseconds. */
  readonly cpuTimeNs: bigint;
  /** The host CPU it runs on; -1 if it runs on none. */
  readonly cpu: number;
  /** Host CPUs that it may run on. */
  readonly cpus: readonly number[];
}

export interface IothreadInfo {
  readonly id: number;
  readonly cpus: readonly number[];
}

const impactBits = (options: Impact) => bitsOf(flags.domainModificationImpactFlags, options.flags);

/** Virtual CPUs, emulator and I/O threads, and where they run. */
export abstract class DomainCpu extends DomainDevices {
  /** virDomainGetMaxVcpus (0.2.1). */
  async getMaxVcpus(options?: CallOptions): Promise<number> {
    return (await this.session.call("domainGetMaxVcpus", { dom: this.reference }, options)).num;
  }

  /** virDomainGetVcpus (0.1.4): of a running domain. */
  async getVcpus(options?: CallOptions): Promise<readonly VcpuInfo[]> {
    const { vcpus, maplen } = await this.#mapSizes(options);
    const args = { dom: this.reference, maxinfo: vcpus, maplen };
    const { info, cpumaps } = await this.session.call("domainGetVcpus", args, options);
    const maps = decodeCpuMaps(cpumaps, maplen);
    return info.map(({ number, state, cpu_time, cpu }, index) => ({
      number,
      state: nameOf(vcpuState, state),
      cpuTimeNs: cpu_time,
      cpu,
      cpus: maps[index] ?? [],
    }));
  }

  /** virDomainSetVcpu (3.1.0): enables or disables single vCPUs. */
  async setVcpu(vcpus: readonly number[], enabled: boolean, options: Impact = {}): Promise<void> {
    const state = enabled ? 1 : 0;
    const args = {
      dom: this.reference,
      cpumap: vcpus.join(","),
      state,
      flags: impactBits(options),
    };
    await this.session.call("domainSetVcpu", args, options);
  }

  /** virDomainGetGuestVcpus (2.0.0): as the guest agent sees them. */
  async getGuestVcpus(options?: CallOptions): Promise<TypedParameters> {
    const args = { dom: this.reference, flags: 0 };
    return (await this.session.callLong("domainGetGuestVcpus", args, options)).params;
  }

  /** virDomainSetGuestVcpus (2.0.0): through the guest agent. */
  async setGuestVcpus(
    vcpus: readonly number[],
    online: boolean,
    options?: CallOptions,
  ): Promise<void> {
    const state = online ? 1 : 0;
    const args = { dom: this.reference, cpumap: vcpus.join(","), state, flags: 0 };
    await this.session.callLong("domainSetGuestVcpus", args, options);
  }

  /** virDomainPinVcpuFlags (0.9.3): binds a vCPU to host CPUs. */
  async pinVcpu(vcpu: number, cpus: readonly number[], options: Impact = {}): Promise<void> {
    const cpumap = encodeCpuMap(cpus);
    const args = { dom: this.reference, vcpu, cpumap, flags: impactBits(options) };
    await this.session.call("domainPinVcpuFlags", args, options);
  }

  /** virDomainGetVcpuPinInfo (0.9.3): host CPUs of each vCPU. */
  async getVcpuPinInfo(options: Impact = {}): Promise<readonly (readonly number[])[]> {
    const { vcpus, maplen } = await this.#mapSizes(options);
    const size = { ncpumaps: vcpus, maplen };
    const args = { dom: this.reference, ...size, flags: impactBits(options) };
    const { cpumaps, num } = await this.session.call("domainGetVcpuPinInfo", args, options);
    return decodeCpuMaps(cpumaps, maplen).slice(0, num);
  }

  /** virDomainPinEmulator (0.10.0). */
  async pinEmulator(cpus: readonly number[], options: Impact = {}): Promise<void> {
    const cpumap = encodeCpuMap(cpus);
    const args = { dom: this.reference, cpumap, flags: impactBits(options) };
    await this.session.call("domainPinEmulator", args, options);
  }

  /** virDomainGetEmulatorPinInfo (0.10.0). */
  async getEmulatorPinInfo(options: Impact = {}): Promise<readonly number[]> {
    const { maplen } = await this.#mapSizes(options);
    const args = { dom: this.reference, maplen, flags: impactBits(options) };
    return decodeCpuMap(
      (await this.session.call("domainGetEmulatorPinInfo", args, options)).cpumaps,
    );
  }

  /** virDomainGetIOThreadInfo (1.2.14). */
  async getIothreadInfo(options: Impact = {}): Promise<readonly IothreadInfo[]> {
    const args = { dom: this.reference, flags: impactBits(options) };
    const { info } = await this.session.call("domainGetIothreadInfo", args, options);
    return info.map(({ iothread_id, cpumap }) => ({ id: iothread_id, cpus: decodeCpuMap(cpumap) }));
  }

  /** virDomainPinIOThread (1.2.14). */
  async pinIothread(id: number, cpus: readonly number[], options: Impact = {}): Promise<void> {
    const target = { iothreads_id: id, cpumap: encodeCpuMap(cpus) };
    const args = { dom: this.reference, ...target, flags: impactBits(options) };
    await this.session.call("domainPinIothread", args, options);
  }

  /** virDomainAddIOThread (1.2.15). */
  async addIothread(id: number, options: Impact = {}): Promise<void> {
    const args = { dom: this.reference, iothread_id: id, flags: impactBits(options) };
    await this.session.call("domainAddIothread", args, options);
  }

  /** virDomainDelIOThread (1.2.15). */
  async delIothread(id: number, options: Impact = {}): Promise<void> {
    const args = { dom: this.reference, iothread_id: id, flags: impactBits(options) };
    await this.session.call("domainDelIothread", args, options);
  }

  /** virDomainSetIOThreadParams (4.10.0). */
  async setIothreadParams(
    id: number,
    parameters: IothreadParameters,
    options: Impact = {},
  ): Promise<void> {
    const params = toTypedParameters(iothreadFields, parameters);
    const args = { dom: this.reference, iothread_id: id, params, flags: impactBits(options) };
    await this.session.call("domainSetIothreadParams", args, options);
  }

  /** virDomainGetCPUStats (0.9.10): of the domain as a whole, in nanoseconds. */
  async getCpuStats(options?: CallOptions): Promise<TypedParameters> {
    const ask = (nparams: number) => {
      const args = { dom: this.reference, nparams, start_cpu: -1, ncpus: 1, flags: 0 };
      return this.session.call("domainGetCpuStats", args, options);
    };
    return (await ask((await ask(0)).nparams)).params;
  }

  /** The daemon answers with maps of exactly the size that it is asked for. */
  async #mapSizes(
    options?: CallOptions,
  ): Promise<{ readonly vcpus: number; readonly maplen: number }> {
    const [vcpus, node] = await Promise.all([
      this.getVcpusCount({ ...options, flags: ["maximum"] }),
      this.session.call("nodeGetInfo", {}, options),
    ]);
    const hostCpus = node.nodes * node.sockets * node.cores * node.threads;
    return { vcpus, maplen: Math.ceil(hostCpus / 8) };
  }
}
