import { ByteStream } from "../byte-stream.ts";
import type { CallOptions } from "../pending-call.ts";
import {
  storageVolType,
  storageVolWipeAlgorithm,
  type StorageVolType,
} from "../protocol/generated/enums.ts";
import * as flags from "../protocol/generated/flags.ts";
import type { NonnullStorageVol } from "../protocol/generated/structures.ts";
import { bitsOf, nameOf, numberOf, type NamesOf } from "../protocol/names.ts";
import type { RpcStream } from "../rpc-stream.ts";
import type { Session } from "../session.ts";
import type { WithFlags } from "./call-flags.ts";

export interface VolumeInfo {
  readonly type: StorageVolType;
  /** Bytes that a guest sees. */
  readonly capacity: bigint;
  /** Bytes used on the host; with "getPhysical" the size of the file or device. */
  readonly allocation: bigint;
}

export interface TransferOptions extends CallOptions {
  /** First byte of the volume; 0 by default. */
  readonly offset?: bigint | undefined;
  /** Bytes; all that there are by default. */
  readonly length?: bigint | undefined;
}

/** virStorageVol: a disk image or block device in a pool. */
export class StorageVolume {
  readonly #session: Session;
  readonly reference: NonnullStorageVol;

  constructor(session: Session, reference: NonnullStorageVol) {
    this.#session = session;
    this.reference = reference;
  }

  /** virStorageVolGetName (0.4.1): unique in its pool. */
  get name(): string {
    return this.reference.name;
  }

  /** virStorageVolGetKey (0.4.1): unique on the host, usually the path. */
  get key(): string {
    return this.reference.key;
  }

  /** Name of the pool. */
  get poolName(): string {
    return this.reference.pool;
  }

  /** virStorageVolGetPath (0.4.1): on the daemon's host. */
  async getPath(options?: CallOptions): Promise<string> {
    const args = { vol: this.reference };
    return (await this.#session.call("storageVolGetPath", args, options)).name;
  }

  /** virStorageVolGetXMLDesc (0.4.1). */
  async getXmlDesc(options?: CallOptions): Promise<string> {
    const args = { vol: this.reference, flags: 0 };
    return (await this.#session.call("storageVolGetXmlDesc", args, options)).xml;
  }

  /** virStorageVolGetInfo (0.4.1), virStorageVolGetInfoFlags (3.0.0) if there are flags. */
  async getInfo(options: WithFlags<flags.StorageVolInfoFlag> = {}): Promise<VolumeInfo> {
    const vol = this.reference;
    const bits = bitsOf(flags.storageVolInfoFlags, options.flags);
    const info =
      bits === 0
        ? await this.#session.call("storageVolGetInfo", { vol }, options)
        : await this.#session.call("storageVolGetInfoFlags", { vol, flags: bits }, options);
    return { ...info, type: nameOf(storageVolType, info.type) };
  }

  /** virStorageVolDelete (0.4.1). */
  async delete(options: WithFlags<flags.StorageVolDeleteFlag> = {}): Promise<void> {
    const args = { vol: this.reference, flags: bitsOf(flags.storageVolDeleteFlags, options.flags) };
    await this.#session.callLong("storageVolDelete", args, options);
  }

  /** virStorageVolResize (0.9.10): bytes; with "delta" they are added. */
  async resize(
    capacityBytes: bigint,
    options: WithFlags<flags.StorageVolResizeFlag> = {},
  ): Promise<void> {
    const bits = bitsOf(flags.storageVolResizeFlags, options.flags);
    const args = { vol: this.reference, capacity: capacityBytes, flags: bits };
    await this.#session.callLong("storageVolResize", args, options);
  }

  /** virStorageVolWipe (0.8.0): overwrites everything with zeros. */
  async wipe(options?: CallOptions): Promise<void> {
    await this.#session.callLong("storageVolWipe", { vol: this.reference, flags: 0 }, options);
  }

  /** virStorageVolWipePattern (0.9.10). */
  async wipePattern(
    algorithm: NamesOf<typeof storageVolWipeAlgorithm>,
    options?: CallOptions,
  ): Promise<void> {
    const number = numberOf(storageVolWipeAlgorithm, algorithm);
    const args = { vol: this.reference, algorithm: number, flags: 0 };
    await this.#session.callLong("storageVolWipePattern", args, options);
  }

  /** virStorageVolUpload (0.9.0): a stream to write to; "finish" means that the daemon has everything. */
  async upload(options: TransferOptions = {}): Promise<ByteStream> {
    return new ByteStream(await this.#openUpload(options, 0));
  }

  /** virStorageVolDownload (0.9.0): a stream to read from. */
  async download(options: TransferOptions = {}): Promise<ByteStream> {
    return new ByteStream(await this.#openDownload(options, 0));
  }

  /** As upload, with write() for data and writeHole() for runs of zeros that need not be sent (3.4.0). */
  uploadSparse(options: TransferOptions = {}): Promise<RpcStream> {
    return this.#openUpload(options, bitsOf(flags.storageVolUploadFlags, ["sparseStream"]));
  }

  /** As download, with read() giving data and holes (3.4.0). */
  downloadSparse(options: TransferOptions = {}): Promise<RpcStream> {
    return this.#openDownload(options, bitsOf(flags.storageVolDownloadFlags, ["sparseStream"]));
  }

  #openUpload({ offset = 0n, length = 0n, ...limits }: TransferOptions, bits: number) {
    const args = { vol: this.reference, offset, length, flags: bits };
    return this.#session.openStream("storageVolUpload", args, limits);
  }

  #openDownload({ offset = 0n, length = 0n, ...limits }: TransferOptions, bits: number) {
    const args = { vol: this.reference, offset, length, flags: bits };
    return this.#session.openStream("storageVolDownload", args, limits);
  }
}
