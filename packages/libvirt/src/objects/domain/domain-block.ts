import type { CallOptions } from "../../pending-call.ts";
import {
  domainBlockJobType,
  domainDiskErrorCode,
  type DomainBlockJobType,
  type DomainDiskErrorCode,
} from "../../protocol/generated/enums.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf, nameOf } from "../../protocol/names.ts";
import { fieldKinds, toTypedParameters, type ParametersOf } from "../../xdr/parameter-spec.ts";
import type { TypedParameters } from "../../xdr/typed-parameters.ts";
import type { WithFlags } from "../call-flags.ts";
import { blockIoTuneFields, type BlockIoTuneParameters } from "../tunables.ts";
import { DomainTuning } from "./domain-tuning.ts";

type Impact = WithFlags<flags.DomainModificationImpactFlag>;

/** Sizes in bytes. */
export interface BlockInfo {
  readonly capacity: bigint;
  readonly allocation: bigint;
  readonly physical: bigint;
}

export interface BlockJobInfo {
  readonly type: DomainBlockJobType;
  readonly bandwidth: bigint;
  readonly cur: bigint;
  /** Equal to `cur` when a copy or an active commit has caught up. */
  readonly end: bigint;
}

const blockCopyFields = fieldKinds({
  bandwidth: "ullong",
  granularity: "uint",
  "buf-size": "ullong",
});

export interface BlockCopyOptions
  extends WithFlags<flags.DomainBlockCopyFlag>, ParametersOf<typeof blockCopyFields> {}

export interface BlockCommitOptions extends WithFlags<flags.DomainBlockCommitFlag> {
  /** File to commit into; the bottom of the chain by default. */
  readonly base?: string | undefined;
  /** File to commit from; the active layer by default. */
  readonly top?: string | undefined;
  /** MiB/s, or bytes/s with "bandwidthBytes". */
  readonly bandwidth?: bigint | undefined;
}

export interface BlockPullOptions extends WithFlags<flags.DomainBlockPullFlag> {
  /** MiB/s, or bytes/s with "bandwidthBytes". */
  readonly bandwidth?: bigint | undefined;
}

export interface BlockRebaseOptions extends WithFlags<flags.DomainBlockRebaseFlag> {
  /** Backing file that remains; none by default. */
  readonly base?: string | undefined;
  readonly bandwidth?: bigint | undefined;
}

const impact = ({ flags: names }: Impact) => bitsOf(flags.domainModificationImpactFlags, names);

/** Disks of a domain and the jobs that work on them. A disk is named by its target ("vda") or path. */
export abstract class DomainBlock extends DomainTuning {
  /** virDomainGetBlockInfo (0.8.1). */
  async getBlockInfo(disk: string, options?: CallOptions): Promise<BlockInfo> {
    const args = { dom: this.reference, path: disk, flags: 0 };
    return this.session.call("domainGetBlockInfo", args, options);
  }

  /** virDomainBlockStatsFlags (0.9.5): by libvirt's names, for example `rd_bytes`. */
  async blockStatsFlags(disk: string, options?: CallOptions): Promise<TypedParameters> {
    const bits = await this.session.stringOkayFlag();
    const ask = (nparams: number) => {
      const args = { dom: this.reference, path: disk, nparams, flags: bits };
      return this.session.call("domainBlockStatsFlags", args, options);
    };
    return (await ask((await ask(0)).nparams)).params;
  }

  /** virDomainGetDiskErrors (0.9.10): disks in error, with the kind of it. */
  async getDiskErrors(
    options?: CallOptions,
  ): Promise<readonly { readonly disk: string; readonly error: DomainDiskErrorCode }[]> {
    const args = { dom: this.reference, maxerrors: 256, flags: 0 };
    const { errors } = await this.session.call("domainGetDiskErrors", args, options);
    return errors.map(({ disk, error }) => ({ disk, error: nameOf(domainDiskErrorCode, error) }));
  }

  /** virDomainBlockResize (0.9.8): KiB, or bytes with "bytes". */
  async blockResize(
    disk: string,
    size: bigint,
    options: WithFlags<flags.DomainBlockResizeFlag> = {},
  ): Promise<void> {
    const bits = bitsOf(flags.domainBlockResizeFlags, options.flags);
    await this.session.call(
      "domainBlockResize",
      { dom: this.reference, disk, size, flags: bits },
      options,
    );
  }

  /** virDomainBlockPeek (0.4.2): bytes of a disk, at most 4 MiB. */
  async blockPeek(
    disk: string,
    { offset, size }: { readonly offset: bigint; readonly size: number },
    options?: CallOptions,
  ): Promise<Uint8Array> {
    const args = { dom: this.reference, path: disk, offset, size, flags: 0 };
    return (await this.session.call("domainBlockPeek", args, options)).buffer;
  }

  /** virDomainBlockPull (0.9.4): copies the backing chain into the disk. "blockJob2" tells of the end. */
  async blockPull(disk: string, options: BlockPullOptions = {}): Promise<void> {
    const bits = bitsOf(flags.domainBlockPullFlags, options.flags);
    const target = { path: disk, bandwidth: options.bandwidth ?? 0n };
    const args = { dom: this.reference, ...target, flags: bits };
    await this.session.callLong("domainBlockPull", args, options);
  }

  /** virDomainBlockRebase (0.9.10). */
  async blockRebase(disk: string, options: BlockRebaseOptions = {}): Promise<void> {
    const bits = bitsOf(flags.domainBlockRebaseFlags, options.flags);
    const target = { path: disk, base: options.base ?? null, bandwidth: options.bandwidth ?? 0n };
    const args = { dom: this.reference, ...target, flags: bits };
    await this.session.callLong("domainBlockRebase", args, options);
  }

  /** virDomainBlockCommit (0.10.2): merges layers of the chain downwards. */
  async blockCommit(disk: string, options: BlockCommitOptions = {}): Promise<void> {
    const { base = null, top = null, bandwidth = 0n } = options;
    const bits = bitsOf(flags.domainBlockCommitFlags, options.flags);
    const args = { dom: this.reference, disk, base, top, bandwidth, flags: bits };
    await this.session.callLong("domainBlockCommit", args, options);
  }

  /** virDomainBlockCopy (1.2.8): mirrors the disk to where `destinationXml`, a <disk>, says. */
  async blockCopy(
    disk: string,
    destinationXml: string,
    options: BlockCopyOptions = {},
  ): Promise<void> {
    const args = {
      dom: this.reference,
      path: disk,
      destxml: destinationXml,
      params: toTypedParameters(blockCopyFields, options),
      flags: bitsOf(flags.domainBlockCopyFlags, options.flags),
    };
    await this.session.callLong("domainBlockCopy", args, options);
  }

  /** virDomainGetBlockJobInfo (0.9.4): null if no job works on the disk. */
  async getBlockJobInfo(
    disk: string,
    options: WithFlags<flags.DomainBlockJobInfoFlag> = {},
  ): Promise<BlockJobInfo | null> {
    const bits = bitsOf(flags.domainBlockJobInfoFlags, options.flags);
    const args = { dom: this.reference, path: disk, flags: bits };
    const { found, type, ...numbers } = await this.session.call(
      "domainGetBlockJobInfo",
      args,
      options,
    );
    return found ? { type: nameOf(domainBlockJobType, type), ...numbers } : null;
  }

  /** virDomainBlockJobAbort (0.9.4): ends it, or with "pivot" switches to the copy. */
  async blockJobAbort(
    disk: string,
    options: WithFlags<flags.DomainBlockJobAbortFlag> = {},
  ): Promise<void> {
    const bits = bitsOf(flags.domainBlockJobAbortFlags, options.flags);
    const args = { dom: this.reference, path: disk, flags: bits };
    await this.session.callLong("domainBlockJobAbort", args, options);
  }

  /** virDomainBlockJobSetSpeed (0.9.4): MiB/s, or bytes/s with "bandwidthBytes". */
  async blockJobSetSpeed(
    disk: string,
    bandwidth: bigint,
    options: WithFlags<flags.DomainBlockJobSetSpeedFlag> = {},
  ): Promise<void> {
    const bits = bitsOf(flags.domainBlockJobSetSpeedFlags, options.flags);
    const args = { dom: this.reference, path: disk, bandwidth, flags: bits };
    await this.session.call("domainBlockJobSetSpeed", args, options);
  }

  /** virDomainSetBlockThreshold (3.1.0): "blockThreshold" is sent when a write goes beyond these bytes. */
  async setBlockThreshold(
    device: string,
    thresholdBytes: bigint,
    options?: CallOptions,
  ): Promise<void> {
    const args = { dom: this.reference, dev: device, threshold: thresholdBytes, flags: 0 };
    await this.session.call("domainSetBlockThreshold", args, options);
  }

  /** virDomainGetBlockIoTune (0.9.8). */
  async getBlockIoTune(
    disk: string,
    options: Impact = {},
  ): Promise<BlockIoTuneParameters & TypedParameters> {
    const bits = impact(options) | (await this.session.stringOkayFlag());
    const ask = (nparams: number) => {
      const args = { dom: this.reference, disk, nparams, flags: bits };
      return this.session.call("domainGetBlockIoTune", args, options);
    };
    return (await ask((await ask(0)).nparams)).params;
  }

  /** virDomainSetBlockIoTune (0.9.8): limits of a disk; 0 is none. */
  async setBlockIoTune(
    disk: string,
    parameters: BlockIoTuneParameters,
    options: Impact = {},
  ): Promise<void> {
    const params = toTypedParameters(blockIoTuneFields, parameters);
    const args = { dom: this.reference, disk, params, flags: impact(options) };
    await this.session.call("domainSetBlockIoTune", args, options);
  }

  /** virDomainSetThrottleGroup (11.2.0): limits that several disks share. */
  async setThrottleGroup(
    group: string,
    parameters: BlockIoTuneParameters,
    options: Impact = {},
  ): Promise<void> {
    const params = toTypedParameters(blockIoTuneFields, parameters);
    const args = { dom: this.reference, group, params, flags: impact(options) };
    await this.session.call("domainSetThrottleGroup", args, options);
  }

  /** virDomainDelThrottleGroup (11.2.0). */
  async delThrottleGroup(group: string, options: Impact = {}): Promise<void> {
    const args = { dom: this.reference, group, flags: impact(options) };
    await this.session.call("domainDelThrottleGroup", args, options);
  }
}
