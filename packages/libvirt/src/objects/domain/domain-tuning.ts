import type { CallOptions } from "../../pending-call.ts";
import { domainLifecycle, domainLifecycleAction } from "../../protocol/generated/enums.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf, numberOf, type NamesOf } from "../../protocol/names.ts";
import { toTypedParameters } from "../../xdr/parameter-spec.ts";
import type { TypedParameters } from "../../xdr/typed-parameters.ts";
import type { WithFlags } from "../call-flags.ts";
import * as tunables from "../tunables.ts";
import { DomainCpu } from "./domain-cpu.ts";

type Impact = WithFlags<flags.DomainModificationImpactFlag>;

/** libvirt is asked twice: how many parameters there are, then for them. */
interface Sized {
  readonly params: TypedParameters;
  readonly nparams: number;
}

async function twoSteps<Parameters>(
  ask: (nparams: number) => Promise<Sized>,
): Promise<Parameters & TypedParameters> {
  const { nparams } = await ask(0);
  return (await ask(nparams)).params as Parameters & TypedParameters;
}

const bits = ({ flags: names }: Impact) => bitsOf(flags.domainModificationImpactFlags, names);

/** Limits and weights: CPU scheduler, memory, disks' weights, NUMA, network bandwidth, perf events. */
export abstract class DomainTuning extends DomainCpu {
  /** virDomainGetSchedulerParameters (0.2.3), virDomainGetSchedulerParametersFlags (0.9.2) if there are flags. */
  async getSchedulerParameters(
    options: Impact = {},
  ): Promise<tunables.SchedulerParameters & TypedParameters> {
    const dom = this.reference;
    const { nparams } = await this.session.call("domainGetSchedulerType", { dom }, options);
    if (bits(options) === 0) {
      const plain = { dom, nparams };
      return (await this.session.call("domainGetSchedulerParameters", plain, options)).params;
    }
    const args = { dom, nparams, flags: await this.#readBits(options) };
    return (await this.session.call("domainGetSchedulerParametersFlags", args, options)).params;
  }

  /** virDomainSetSchedulerParametersFlags (0.9.2). */
  async setSchedulerParameters(
    parameters: tunables.SchedulerParameters,
    options: Impact = {},
  ): Promise<void> {
    const params = toTypedParameters(tunables.schedulerFields, parameters);
    const args = { dom: this.reference, params, flags: bits(options) };
    await this.session.call("domainSetSchedulerParametersFlags", args, options);
  }

  /** virDomainGetMemoryParameters (0.8.5). */
  async getMemoryParameters(
    options: Impact = {},
  ): Promise<tunables.MemoryParameters & TypedParameters> {
    const fixed = { dom: this.reference, flags: await this.#readBits(options) };
    return twoSteps((nparams) =>
      this.session.call("domainGetMemoryParameters", { ...fixed, nparams }, options),
    );
  }

  /** virDomainSetMemoryParameters (0.8.5). */
  async setMemoryParameters(
    parameters: tunables.MemoryParameters,
    options: Impact = {},
  ): Promise<void> {
    const params = toTypedParameters(tunables.memoryFields, parameters);
    const args = { dom: this.reference, params, flags: bits(options) };
    await this.session.call("domainSetMemoryParameters", args, options);
  }

  /** virDomainGetBlkioParameters (0.9.0). */
  async getBlkioParameters(
    options: Impact = {},
  ): Promise<tunables.BlkioParameters & TypedParameters> {
    const fixed = { dom: this.reference, flags: await this.#readBits(options) };
    return twoSteps((nparams) =>
      this.session.call("domainGetBlkioParameters", { ...fixed, nparams }, options),
    );
  }

  /** virDomainSetBlkioParameters (0.9.0). */
  async setBlkioParameters(
    parameters: tunables.BlkioParameters,
    options: Impact = {},
  ): Promise<void> {
    const params = toTypedParameters(tunables.blkioFields, parameters);
    const args = { dom: this.reference, params, flags: bits(options) };
    await this.session.call("domainSetBlkioParameters", args, options);
  }

  /** virDomainGetNumaParameters (0.9.9). */
  async getNumaParameters(
    options: Impact = {},
  ): Promise<tunables.NumaParameters & TypedParameters> {
    const fixed = { dom: this.reference, flags: await this.#readBits(options) };
    return twoSteps((nparams) =>
      this.session.call("domainGetNumaParameters", { ...fixed, nparams }, options),
    );
  }

  /** virDomainSetNumaParameters (0.9.9). */
  async setNumaParameters(
    parameters: tunables.NumaParameters,
    options: Impact = {},
  ): Promise<void> {
    const params = toTypedParameters(tunables.numaFields, parameters);
    const args = { dom: this.reference, params, flags: bits(options) };
    await this.session.call("domainSetNumaParameters", args, options);
  }

  /** virDomainGetInterfaceParameters (0.9.9): bandwidth limits of a network interface. */
  async getInterfaceParameters(
    device: string,
    options: Impact = {},
  ): Promise<tunables.BandwidthParameters & TypedParameters> {
    const fixed = { dom: this.reference, device, flags: await this.#readBits(options) };
    return twoSteps((nparams) =>
      this.session.call("domainGetInterfaceParameters", { ...fixed, nparams }, options),
    );
  }

  /** virDomainSetInterfaceParameters (0.9.9). */
  async setInterfaceParameters(
    device: string,
    parameters: tunables.BandwidthParameters,
    options: Impact = {},
  ): Promise<void> {
    const params = toTypedParameters(tunables.bandwidthFields, parameters);
    const args = { dom: this.reference, device, params, flags: bits(options) };
    await this.session.call("domainSetInterfaceParameters", args, options);
  }

  /** virDomainGetPerfEvents (1.3.3). */
  async getPerfEvents(options: Impact = {}): Promise<tunables.PerfEvents & TypedParameters> {
    const args = { dom: this.reference, flags: await this.#readBits(options) };
    return (await this.session.call("domainGetPerfEvents", args, options)).params;
  }

  /** virDomainSetPerfEvents (1.3.3). */
  async setPerfEvents(events: tunables.PerfEvents, options: Impact = {}): Promise<void> {
    const params = toTypedParameters(tunables.perfFields, events);
    await this.session.call(
      "domainSetPerfEvents",
      { dom: this.reference, params, flags: bits(options) },
      options,
    );
  }

  /** The flags of a getter whose answer may hold strings. */
  async #readBits(options: Impact): Promise<number> {
    return bits(options) | (await this.session.stringOkayFlag());
  }

  /** virDomainSetMemoryStatsPeriod (1.1.1): seconds between updates of the balloon's statistics; 0 stops them. */
  async setMemoryStatsPeriod(seconds: number, options: Impact = {}): Promise<void> {
    const args = { dom: this.reference, period: seconds, flags: bits(options) };
    await this.session.call("domainSetMemoryStatsPeriod", args, options);
  }

  /** virDomainSetLifecycleAction (3.9.0): what follows a power-off, reboot or crash of the guest. */
  async setLifecycleAction(
    type: NamesOf<typeof domainLifecycle>,
    action: NamesOf<typeof domainLifecycleAction>,
    options: Impact = {},
  ): Promise<void> {
    const numbers = {
      type: numberOf(domainLifecycle, type),
      action: numberOf(domainLifecycleAction, action),
    };
    const args = { dom: this.reference, ...numbers, flags: bits(options) };
    await this.session.call("domainSetLifecycleAction", args, options);
  }

  /** virDomainStartDirtyRateCalc (7.2.0): the result is in getAllDomainStats, group "dirtyrate". */
  async startDirtyRateCalc(
    seconds: number,
    options: WithFlags<flags.DomainDirtyRateCalcFlag> = {},
  ): Promise<void> {
    const mode = bitsOf(flags.domainDirtyRateCalcFlags, options.flags);
    const args = { dom: this.reference, seconds, flags: mode };
    await this.session.call("domainStartDirtyRateCalc", args, options);
  }

  /** virDomainGetLaunchSecurityInfo (4.5.0): SEV measurement and versions. */
  async getLaunchSecurityInfo(options?: CallOptions): Promise<TypedParameters> {
    const args = { dom: this.reference, flags: await this.#readBits({}) };
    return (await this.session.call("domainGetLaunchSecurityInfo", args, options)).params;
  }

  /** virDomainSetLaunchSecurityState (8.0.0): injects an SEV secret. */
  async setLaunchSecurityState(
    state: tunables.LaunchSecurityState,
    options?: CallOptions,
  ): Promise<void> {
    const params = toTypedParameters(tunables.launchSecurityFields, state);
    const args = { dom: this.reference, params, flags: 0 };
    await this.session.call("domainSetLaunchSecurityState", args, options);
  }
}
