import type { CallOptions } from "../../pending-call.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf } from "../../protocol/names.ts";
import type { WithFlags } from "../call-flags.ts";
import { StoragePool } from "../storage-pool.ts";
import { StorageVolume } from "../storage-volume.ts";
import { HypervisorNetworks } from "./hypervisor-networks.ts";

/** Finding and defining storage pools and volumes. */
export abstract class HypervisorStorage extends HypervisorNetworks {
  /** virConnectListAllStoragePools (0.10.2). */
  async listAllStoragePools(
    options: WithFlags<flags.ConnectListAllStoragePoolsFlag> = {},
  ): Promise<readonly StoragePool[]> {
    const bits = bitsOf(flags.connectListAllStoragePoolsFlags, options.flags);
    const args = { need_results: 1, flags: bits };
    const { pools } = await this.session.call("connectListAllStoragePools", args, options);
    return pools.map((reference) => new StoragePool(this.session, reference));
  }

  /** virStoragePoolLookupByName (0.4.1). Rejects with LibvirtError "noStoragePool". */
  async storagePoolLookupByName(name: string, options?: CallOptions): Promise<StoragePool> {
    const { pool } = await this.session.call("storagePoolLookupByName", { name }, options);
    return new StoragePool(this.session, pool);
  }

  /** virStoragePoolLookupByUUIDString (0.4.1). Rejects with LibvirtError "noStoragePool". */
  async storagePoolLookupByUuid(uuid: string, options?: CallOptions): Promise<StoragePool> {
    const { pool } = await this.session.call("storagePoolLookupByUuid", { uuid }, options);
    return new StoragePool(this.session, pool);
  }

  /** virStoragePoolLookupByTargetPath (4.1.0). Rejects with LibvirtError "noStoragePool". */
  async storagePoolLookupByTargetPath(path: string, options?: CallOptions): Promise<StoragePool> {
    const { pool } = await this.session.call("storagePoolLookupByTargetPath", { path }, options);
    return new StoragePool(this.session, pool);
  }

  /** virStoragePoolLookupByVolume (0.4.1). */
  async storagePoolLookupByVolume(
    volume: StorageVolume,
    options?: CallOptions,
  ): Promise<StoragePool> {
    const args = { vol: volume.reference };
    const { pool } = await this.session.call("storagePoolLookupByVolume", args, options);
    return new StoragePool(this.session, pool);
  }

  /** virStoragePoolDefineXML (0.4.1). */
  async storagePoolDefineXml(
    xml: string,
    options: WithFlags<flags.StoragePoolDefineFlag> = {},
  ): Promise<StoragePool> {
    const args = { xml, flags: bitsOf(flags.storagePoolDefineFlags, options.flags) };
    const { pool } = await this.session.call("storagePoolDefineXml", args, options);
    return new StoragePool(this.session, pool);
  }

  /** virStoragePoolCreateXML (0.4.1): a transient one, started. */
  async storagePoolCreateXml(
    xml: string,
    options: WithFlags<flags.StoragePoolCreateFlag> = {},
  ): Promise<StoragePool> {
    const args = { xml, flags: bitsOf(flags.storagePoolCreateFlags, options.flags) };
    const { pool } = await this.session.callLong("storagePoolCreateXml", args, options);
    return new StoragePool(this.session, pool);
  }

  /** virConnectFindStoragePoolSources (0.4.5): XML of the sources that a pool of this type could use. */
  async findStoragePoolSources(
    type: string,
    sourceSpec: string | null = null,
    options?: CallOptions,
  ): Promise<string> {
    const args = { type, srcSpec: sourceSpec, flags: 0 };
    return (await this.session.callLong("connectFindStoragePoolSources", args, options)).xml;
  }

  /** virConnectGetStoragePoolCapabilities (5.2.0): XML of the pool types that the daemon knows. */
  async getStoragePoolCapabilities(options?: CallOptions): Promise<string> {
    const call = this.session.call("connectGetStoragePoolCapabilities", { flags: 0 }, options);
    return (await call).capabilities;
  }

  /** virStorageVolLookupByPath (0.4.1). Rejects with LibvirtError "noStorageVol". */
  async storageVolLookupByPath(path: string, options?: CallOptions): Promise<StorageVolume> {
    const { vol } = await this.session.call("storageVolLookupByPath", { path }, options);
    return new StorageVolume(this.session, vol);
  }

  /** virStorageVolLookupByKey (0.4.1). Rejects with LibvirtError "noStorageVol". */
  async storageVolLookupByKey(key: string, options?: CallOptions): Promise<StorageVolume> {
    const { vol } = await this.session.call("storageVolLookupByKey", { key }, options);
    return new StorageVolume(this.session, vol);
  }
}
