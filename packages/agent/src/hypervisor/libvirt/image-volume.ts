/**
 * Volumes that are made of images, in pools that are directories. An overlay backs on the image in the host's cache; on a
 * storage that several hosts see it backs on a copy there, so that the VM can run on any of them.
 */
import { access, chmod, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { MusterError, renderSize, type DiskSpec } from "@muster/model";
import { convertDisk } from "../../images/convert-disk.ts";
import type { ImageFile } from "../../images/image-cache.ts";
import { runTool } from "../../images/run-tool.ts";

/** A libvirt pool whose volumes are files. */
export interface PoolDirectory {
  readonly path: string;
  readonly isShared: boolean;
}

/** Kinds of pools whose volumes are files in one directory. */
const FILE_POOLS: ReadonlySet<string> = new Set(["dir", "fs", "netfs"]);

/** Below the virtual size nothing is cut off, and nothing fits. */
export function checkDiskSize(disk: DiskSpec, image: ImageFile): void {
  if (disk.sizeBytes >= image.virtualSizeBytes) return;
  const sizes = `${renderSize(disk.sizeBytes)}, its image ${renderSize(image.virtualSizeBytes)}`;
  throw new MusterError("invalid", `a disk on storage "${disk.storage}" is ${sizes}`, {
    hint: "a disk is at least as large as its image; leave size out to take the image's",
  });
}

export function requireFiles(disk: DiskSpec, kind: string): void {
  if (FILE_POOLS.has(kind)) return;
  throw new MusterError(
    "storage-failed",
    `storage "${disk.storage}" is of kind ${kind}: disks are made of images on directories only`,
    { hint: "name a storage that is a directory or an NFS mount: muster host show HOST" },
  );
}

/** Complete under its name, or not there: a crash leaves a part that the next try writes over. */
const partOf = (path: string): string => {
  const at = path.lastIndexOf("/");
  return join(path.slice(0, at), `.${path.slice(at + 1)}.part`);
};

export const removePart = (path: string): Promise<void> => rm(partOf(path), { force: true });

async function place(path: string, make: (part: string) => Promise<void>): Promise<void> {
  const part = partOf(path);
  try {
    await make(part);
    const file = await open(part, "r+");
    await file.sync();
    await file.close();
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** What an overlay backs on. `hostName` keeps two hosts that copy at once apart. */
export async function backingFileOf(
  image: ImageFile,
  pool: PoolDirectory,
  hostName: string,
): Promise<string> {
  if (!pool.isShared) return image.path;
  const path = join(pool.path, `image-${image.digest}.${image.format}`);
  if (await exists(path)) return path;
  const mine = `${path}.${hostName}`;
  await place(mine, (part) => convert(image, part, { toFormat: image.format }));
  await chmod(mine, 0o444);
  // Whoever comes second replaces it by the same.
  await rename(mine, path);
  return path;
}

/** A volume of its own. */
export async function copyImage(path: string, image: ImageFile, disk: DiskSpec): Promise<void> {
  if (await exists(path)) return;
  await place(path, async (part) => {
    const preallocated = disk.imageMode === "preallocated";
    await convert(image, part, { toFormat: "qcow2", preallocated });
    if (disk.sizeBytes === image.virtualSizeBytes) return;
    const taken = preallocated ? ["--preallocation=falloc"] : [];
    await runTool(
      ["qemu-img", "resize", "-q", ...taken, "-f", "qcow2", part, String(disk.sizeBytes)],
      { limits: RESIZE_LIMITS, signal: never },
    );
  });
}

const RESIZE_LIMITS = { seconds: 3_600, memoryBytes: 4 * 1024 ** 3, fileBytes: 2n ** 62n };
const never = new AbortController().signal;

const convert = (
  { path, format }: ImageFile,
  to: string,
  options: { readonly toFormat: ImageFile["format"]; readonly preallocated?: boolean },
): Promise<void> =>
  convertDisk(
    { from: path, format, to, ...options },
    { signal: never, onProgress: () => undefined },
  );

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
