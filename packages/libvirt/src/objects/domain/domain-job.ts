import type { CallOptions } from "../../pending-call.ts";
import { domainJobType, type DomainJobType } from "../../protocol/generated/enums.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf, nameOf } from "../../protocol/names.ts";
import type { TypedParameters } from "../../xdr/typed-parameters.ts";
import type { WithFlags } from "../call-flags.ts";
import { DomainInformation } from "./domain-information.ts";

/** Progress in milliseconds and bytes; zero where libvirt does not know. */
export interface DomainJobInfo {
  readonly type: DomainJobType;
  readonly timeElapsedMs: bigint;
  readonly timeRemainingMs: bigint;
  readonly dataTotal: bigint;
  readonly dataProcessed: bigint;
  readonly dataRemaining: bigint;
  readonly memTotal: bigint;
  readonly memProcessed: bigint;
  readonly memRemaining: bigint;
  readonly fileTotal: bigint;
  readonly fileProcessed: bigint;
  readonly fileRemaining: bigint;
}

export interface DomainJobStats {
  readonly type: DomainJobType;
  /** By libvirt's names, for example `memory_remaining` or `downtime`. */
  readonly stats: TypedParameters;
}

/** The one job a domain may have: a migration, save, dump or backup. */
export abstract class DomainJob extends DomainInformation {
  /** virDomainGetJobInfo (0.7.7): type "none" if there is no job. */
  async getJobInfo(options?: CallOptions): Promise<DomainJobInfo> {
    const call = this.session.call("domainGetJobInfo", { dom: this.reference }, options);
    const { type, timeElapsed, timeRemaining, ...bytes } = await call;
    return {
      type: nameOf(domainJobType, type),
      timeElapsedMs: timeElapsed,
      timeRemainingMs: timeRemaining,
      ...bytes,
    };
  }

  /** virDomainGetJobStats (1.0.3): more than getJobInfo; with "completed" about the last finished job. */
  async getJobStats(options: WithFlags<flags.DomainGetJobStatsFlag> = {}): Promise<DomainJobStats> {
    const bits = bitsOf(flags.domainGetJobStatsFlags, options.flags);
    const args = { dom: this.reference, flags: bits };
    const { type, params } = await this.session.call("domainGetJobStats", args, options);
    return { type: nameOf(domainJobType, type), stats: params };
  }

  /** virDomainAbortJob (0.7.7), virDomainAbortJobFlags (8.5.0) if there are flags. */
  async abortJob(options: WithFlags<flags.DomainAbortJobFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.domainAbortJobFlags, options.flags);
    const dom = this.reference;
    if (bits === 0) await this.session.call("domainAbortJob", { dom }, options);
    else await this.session.call("domainAbortJobFlags", { dom, flags: bits }, options);
  }
}
