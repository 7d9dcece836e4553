/**
 * Volumes through libvirt's pools. The storage of a disk is the pool's name. Existing volumes are never touched: a
 * volume is made, looked at, or removed when its VM is.
 */
import { join } from "node:path";
import { MusterError, renderSize, type DiskSpec, type VmId, type VmSpec } from "@muster/model";
import type { ByteStream, StoragePool, StorageVolume } from "node-libvirt";
import type { ImageFile } from "../../images/image-cache.ts";
import { isSharedStorage } from "../../inventory/mounts.ts";
import { memoryOf } from "../domain-xml/parse-domain.ts";
import { volumeNameOf } from "../domain-xml/render-domain.ts";
import type { StorageFact } from "../hypervisor.ts";
import { attributeOf, childOf, descend, textOf } from "../xml/element.ts";
import { parseXml } from "../xml/parse-xml.ts";
import { element, renderXml, textElement, type XmlTree } from "../xml/render-xml.ts";
import {
  backingFileOf,
  checkDiskSize,
  copyImage,
  removePart,
  requireFiles,
} from "./image-volume.ts";
import { readMounts } from "./read-mounts.ts";
import { attempt, failedTo, unlessRefused } from "./libvirt-error.ts";
import type { Connection } from "./libvirt-link.ts";
import type { StorageTurns } from "./storage-turns.ts";

export class LibvirtStorage {
  readonly #connection: Connection;
  readonly #turns: StorageTurns;

  constructor(connection: Connection, turns: StorageTurns) {
    this.#connection = connection;
    this.#turns = turns;
  }

  /** `images`: of each disk that is made of one, at the disk's place. */
  async ensureVolumes(
    vmId: VmId,
    spec: VmSpec,
    images: readonly (ImageFile | undefined)[] = [],
  ): Promise<void> {
    for (const [index, disk] of spec.disks.entries()) {
      const name = volumeNameOf(vmId, index);
      const image = images[index];
      await (image === undefined
        ? this.#turns.run(disk.storage, () => this.#ensureVolume(name, disk))
        : this.#ensureImageVolume(name, disk, image));
    }
  }

  /** Copying takes long: others have their turn meanwhile. */
  async #ensureImageVolume(name: string, disk: DiskSpec, image: ImageFile): Promise<void> {
    try {
      const pool = await this.pool(disk.storage);
      const found = await this.#turns.run(disk.storage, () => findVolume(pool, name));
      if (found !== undefined) return;
      checkDiskSize(disk, image);
      const place = poolPlace(await pool.getXmlDesc());
      requireFiles(disk, place.kind);
      const directory = { path: place.path, isShared: isSharedStorage(place, await readMounts()) };
      if ((disk.imageMode ?? "overlay") !== "overlay") {
        await copyImage(join(place.path, name), image, disk);
        return await this.#turns.run(disk.storage, () => pool.refresh());
      }
      const path = await backingFileOf(image, directory, await this.#connection.getHostname());
      const xml = renderXml(volumeXml(name, disk.sizeBytes, { path, format: image.format }));
      await this.#turns.run(disk.storage, async () => {
        await unlessRefused(pool.storageVolCreateXml(xml), "storageVolExist");
      });
    } catch (cause) {
      throw asStorageFailure(name, disk, cause);
    }
  }

  async removeVolumes(vmId: VmId, spec: VmSpec): Promise<void> {
    for (const [index, disk] of spec.disks.entries()) {
      const name = volumeNameOf(vmId, index);
      await attempt(`remove volume "${name}" of storage "${disk.storage}"`, () =>
        this.#turns.run(disk.storage, () => this.#removeVolume(name, disk)),
      );
    }
  }

  /** Writes a volume whole, in place of one that is there. Only root and QEMU may read it. */
  async writeVolume(storage: string, name: string, contents: Uint8Array): Promise<void> {
    await this.#turns.run(storage, async () => {
      const pool = await this.pool(storage);
      const before = await findVolume(pool, name);
      if (before !== undefined) await unlessRefused(before.delete(), "noStorageVol");
      const volume = await pool.storageVolCreateXml(renderXml(rawVolumeXml(name, contents.length)));
      const stream = await volume.upload({ length: BigInt(contents.length) });
      await finished(stream, contents);
    });
  }

  /** Overwrites a volume, then removes it. One that is not there is fine. */
  async wipeVolume(storage: string, name: string): Promise<void> {
    await this.#turns.run(storage, async () => {
      const found = this.#connection.storagePoolLookupByName(storage);
      const pool = await unlessRefused(found, "noStoragePool");
      const volume = pool === undefined ? undefined : await findVolume(pool, name);
      if (volume === undefined) return;
      await unlessRefused(volume.wipe(), "noStorageVol");
      await unlessRefused(volume.delete(), "noStorageVol");
    });
  }

  async pool(storage: string): Promise<StoragePool> {
    const pool = await unlessRefused(
      this.#connection.storagePoolLookupByName(storage),
      "noStoragePool",
    );
    if (pool === undefined) {
      const pools = await this.#connection.listAllStoragePools();
      const names = pools.map(({ name }) => name).join(", ");
      throw new MusterError("storage-failed", `this host has no storage named "${storage}"`, {
        hint: names === "" ? "define a libvirt pool of that name" : `it has ${names}`,
      });
    }
    if (!(await pool.isActive())) {
      throw new MusterError("storage-failed", `storage "${storage}" is not active on this host`, {
        hint: `virsh pool-start ${storage}`,
      });
    }
    return pool;
  }

  hasVolume(pool: StoragePool, name: string): Promise<boolean> {
    return this.#turns.run(pool.name, async () => (await findVolume(pool, name)) !== undefined);
  }

  async #removeVolume(name: string, disk: DiskSpec): Promise<void> {
    const found = this.#connection.storagePoolLookupByName(disk.storage);
    const pool = await unlessRefused(found, "noStoragePool");
    if (pool !== undefined && disk.image !== undefined) {
      await removePart(join(poolPlace(await pool.getXmlDesc()).path, name));
    }
    const volume = pool === undefined ? undefined : await findVolume(pool, name);
    if (volume !== undefined) await unlessRefused(volume.delete(), "noStorageVol");
  }

  async #ensureVolume(name: string, disk: DiskSpec): Promise<void> {
    try {
      const pool = await this.pool(disk.storage);
      if ((await findVolume(pool, name)) !== undefined) return;
      const backing = await backingOf(pool, disk);
      const xml = renderXml(volumeXml(name, disk.sizeBytes, backing));
      // "exists": somebody else made it since we looked, on a shared storage.
      await unlessRefused(pool.storageVolCreateXml(xml), "storageVolExist");
    } catch (cause) {
      throw asStorageFailure(name, disk, cause);
    }
  }
}

function asStorageFailure(name: string, disk: DiskSpec, cause: unknown): MusterError {
  const error = failedTo(`make volume "${name}" on storage "${disk.storage}"`, cause);
  if (error.code !== "hypervisor-failed") return error;
  return new MusterError("storage-failed", error.message, { cause });
}

export function poolPlace(xml: string): { readonly kind: string; readonly path: string } {
  const root = parseXml(xml, "pool XML");
  return {
    kind: attributeOf(root, "type") ?? "",
    path: textOf(descend(root, "target", "path")) ?? "",
  };
}

/** libvirt lists a pool when it starts and when asked to: a volume made by another host is news to it. */
async function findVolume(pool: StoragePool, name: string): Promise<StorageVolume | undefined> {
  const known = await unlessRefused(pool.storageVolLookupByName(name), "noStorageVol");
  if (known !== undefined) return known;
  await pool.refresh();
  return unlessRefused(pool.storageVolLookupByName(name), "noStorageVol");
}

interface Backing {
  readonly path: string;
  readonly format: string;
}

async function backingOf(pool: StoragePool, disk: DiskSpec): Promise<Backing | undefined> {
  if (disk.baseVolume === undefined) return undefined;
  const base = await findVolume(pool, disk.baseVolume);
  if (base === undefined) {
    const message = `storage "${disk.storage}" has no base volume "${disk.baseVolume}"`;
    throw new MusterError("storage-failed", message);
  }
  const root = parseXml(await base.getXmlDesc(), `volume XML of ${disk.baseVolume}`);
  const capacity = childOf(root, "capacity");
  const baseBytes =
    attributeOf(capacity, "unit") === undefined
      ? BigInt(textOf(capacity) ?? "0")
      : memoryOf(capacity);
  if (baseBytes > disk.sizeBytes) {
    const sizes = `${renderSize(disk.sizeBytes)}, its base volume ${renderSize(baseBytes)}`;
    const message = `a disk on storage "${disk.storage}" is ${sizes}`;
    throw new MusterError("invalid", message, { hint: "a disk is at least as large as its base" });
  }
  return {
    path: await base.getPath(),
    format: attributeOf(descend(root, "target", "format"), "type") ?? "raw",
  };
}

/** Resolves when the daemon has everything. */
const finished = (stream: ByteStream, contents: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.on("error", reject);
    stream.on("finish", resolve);
    stream.end(contents);
  });

const rawVolumeXml = (name: string, bytes: number): XmlTree =>
  element("volume", {}, [
    textElement("name", name),
    textElement("capacity", String(bytes), { unit: "bytes" }),
    textElement("allocation", String(bytes), { unit: "bytes" }),
    element("target", {}, [
      element("format", { type: "raw" }),
      element("permissions", {}, [textElement("mode", "0600")]),
    ]),
  ]);

const volumeXml = (name: string, sizeBytes: bigint, backing: Backing | undefined): XmlTree =>
  element("volume", {}, [
    textElement("name", name),
    textElement("capacity", String(sizeBytes), { unit: "bytes" }),
    textElement("allocation", "0", { unit: "bytes" }),
    element("target", {}, [element("format", { type: "qcow2" }), textElement("compat", "1.1")]),
    backing === undefined
      ? undefined
      : element("backingStore", {}, [
          textElement("path", backing.path),
          element("format", { type: backing.format }),
        ]),
  ]);

/** Active pools with their sizes; the ones that are off can hold nothing. */
export async function storageFacts(connection: Connection): Promise<readonly StorageFact[]> {
  const pools = await connection.listAllStoragePools({ flags: ["active"] });
  return Promise.all(
    pools.map(async (pool) => {
      const [xml, info] = await Promise.all([pool.getXmlDesc(), pool.getInfo()]);
      const root = parseXml(xml, `pool XML of ${pool.name}`);
      return {
        name: pool.name,
        kind: attributeOf(root, "type") ?? "",
        path: textOf(descend(root, "target", "path")) ?? "",
        capacityBytes: info.capacity,
        availableBytes: info.available,
      };
    }),
  );
}
