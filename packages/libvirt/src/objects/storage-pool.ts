import type { CallOptions } from "../pending-call.ts";
import { NamedObject } from "./named-object.ts";
import { storagePoolState, type StoragePoolState } from "../protocol/generated/enums.ts";
import * as flags from "../protocol/generated/flags.ts";
import { bitsOf, nameOf } from "../protocol/names.ts";
import type { WithFlags } from "./call-flags.ts";
import { StorageVolume } from "./storage-volume.ts";

/** Sizes in bytes. */
export interface PoolInfo {
  readonly state: StoragePoolState;
  readonly capacity: bigint;
  readonly allocation: bigint;
  readonly available: bigint;
}

/** virStoragePool: a place where volumes live. */
export class StoragePool extends NamedObject {
  /** virStoragePoolCreate (0.4.1): starts a defined pool. */
  async create(options: WithFlags<flags.StoragePoolCreateFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.storagePoolCreateFlags, options.flags);
    await this.session.callLong(
      "storagePoolCreate",
      { pool: this.reference, flags: bits },
      options,
    );
  }

  /** virStoragePoolBuild (0.4.1): makes what the pool needs, for example its directory. */
  async build(options: WithFlags<flags.StoragePoolBuildFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.storagePoolBuildFlags, options.flags);
    await this.session.callLong("storagePoolBuild", { pool: this.reference, flags: bits }, options);
  }

  /** virStoragePoolDestroy (0.4.1): stops it; its volumes stay. */
  async destroy(options?: CallOptions): Promise<void> {
    await this.session.call("storagePoolDestroy", { pool: this.reference }, options);
  }

  /** virStoragePoolDelete (0.4.1): removes what build() made. */
  async delete(options: WithFlags<flags.StoragePoolDeleteFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.storagePoolDeleteFlags, options.flags);
    await this.session.callLong(
      "storagePoolDelete",
      { pool: this.reference, flags: bits },
      options,
    );
  }

  /** virStoragePoolUndefine (0.4.1). */
  async undefine(options?: CallOptions): Promise<void> {
    await this.session.call("storagePoolUndefine", { pool: this.reference }, options);
  }

  /** virStoragePoolRefresh (0.4.1): looks for volumes that came or went. */
  async refresh(options?: CallOptions): Promise<void> {
    await this.session.callLong("storagePoolRefresh", { pool: this.reference, flags: 0 }, options);
  }

  /** virStoragePoolGetInfo (0.4.1). */
  async getInfo(options?: CallOptions): Promise<PoolInfo> {
    const args = { pool: this.reference };
    const info = await this.session.call("storagePoolGetInfo", args, options);
    return { ...info, state: nameOf(storagePoolState, info.state) };
  }

  /** virStoragePoolGetXMLDesc (0.4.1). */
  async getXmlDesc(options: WithFlags<flags.StorageXmlFlag> = {}): Promise<string> {
    const args = { pool: this.reference, flags: bitsOf(flags.storageXmlFlags, options.flags) };
    return (await this.session.call("storagePoolGetXmlDesc", args, options)).xml;
  }

  /** virStoragePoolGetAutostart (0.4.1). */
  async getAutostart(options?: CallOptions): Promise<boolean> {
    const args = { pool: this.reference };
    return (await this.session.call("storagePoolGetAutostart", args, options)).autostart !== 0;
  }

  /** virStoragePoolSetAutostart (0.4.1). */
  async setAutostart(autostart: boolean, options?: CallOptions): Promise<void> {
    const args = { pool: this.reference, autostart: autostart ? 1 : 0 };
    await this.session.call("storagePoolSetAutostart", args, options);
  }

  /** virStoragePoolIsActive (0.7.3). */
  async isActive(options?: CallOptions): Promise<boolean> {
    const args = { pool: this.reference };
    return (await this.session.call("storagePoolIsActive", args, options)).active !== 0;
  }

  /** virStoragePoolIsPersistent (0.7.3). */
  async isPersistent(options?: CallOptions): Promise<boolean> {
    const args = { pool: this.reference };
    return (await this.session.call("storagePoolIsPersistent", args, options)).persistent !== 0;
  }

  /** virStoragePoolListAllVolumes (0.10.2). */
  async listAllVolumes(options?: CallOptions): Promise<readonly StorageVolume[]> {
    const args = { pool: this.reference, need_results: 1, flags: 0 };
    const { vols } = await this.session.call("storagePoolListAllVolumes", args, options);
    return vols.map((reference) => new StorageVolume(this.session, reference));
  }

  /** virStorageVolLookupByName (0.4.1). Rejects with LibvirtError "noStorageVol". */
  async storageVolLookupByName(name: string, options?: CallOptions): Promise<StorageVolume> {
    const args = { pool: this.reference, name };
    const { vol } = await this.session.call("storageVolLookupByName", args, options);
    return new StorageVolume(this.session, vol);
  }

  /** virStorageVolCreateXML (0.4.1). */
  async storageVolCreateXml(
    xml: string,
    options: WithFlags<flags.StorageVolCreateFlag> = {},
  ): Promise<StorageVolume> {
    const bits = bitsOf(flags.storageVolCreateFlags, options.flags);
    const args = { pool: this.reference, xml, flags: bits };
    const { vol } = await this.session.callLong("storageVolCreateXml", args, options);
    return new StorageVolume(this.session, vol);
  }

  /** virStorageVolCreateXMLFrom (0.6.4): a copy of another volume. */
  async storageVolCreateXmlFrom(
    xml: string,
    source: StorageVolume,
    options: WithFlags<flags.StorageVolCreateFlag> = {},
  ): Promise<StorageVolume> {
    const bits = bitsOf(flags.storageVolCreateFlags, options.flags);
    const args = { pool: this.reference, xml, clonevol: source.reference, flags: bits };
    const { vol } = await this.session.callLong("storageVolCreateXmlFrom", args, options);
    return new StorageVolume(this.session, vol);
  }
}
