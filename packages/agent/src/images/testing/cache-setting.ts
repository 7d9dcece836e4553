/** An image cache in a directory of its own, and disks to put into it. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ImageContents, UrlLocation, VmId } from "@muster/model";
import { systemClock, type Log } from "@muster/runtime";
import { FileImageCache, type FileImageCacheParts } from "../file-image-cache.ts";
import type { ImageWatcher } from "../image-cache.ts";
import type { PeerTrust } from "../open-source.ts";

export const MIB = 1024 ** 2;
export const vmId = "00000000-0000-4000-8000-000000000001" as VmId;

const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const noPeers = (): PeerTrust => ({ authority: "", certificate: "", privateKey: "" });

export interface CacheSetting extends AsyncDisposable {
  readonly directory: string;
  readonly cache: FileImageCache;
  /** As after the agent was killed. */
  reopen(change?: Partial<FileImageCacheParts>): Promise<FileImageCache>;
  /** Whatever is neither an image nor the books. */
  leftovers(): Promise<readonly string[]>;
}

export async function cacheSetting(
  change: Partial<FileImageCacheParts> = {},
): Promise<CacheSetting> {
  const directory = change.directory ?? (await mkdtemp(join(tmpdir(), "muster-images-")));
  const open = (more: Partial<FileImageCacheParts> = {}): Promise<FileImageCache> =>
    FileImageCache.open({
      directory,
      maxBytes: 2n ** 40n,
      ageMaxMs: 10 ** 10,
      trust: noPeers,
      clock: systemClock,
      log: quiet,
      changed: () => undefined,
      ...change,
      ...more,
    });
  return {
    directory,
    cache: await open(),
    reopen: open,
    leftovers: () => readdir(join(directory, "partial")),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

export const sha256 = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/** A raw disk: something, a hole, something else. */
export function rawDisk(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 4) {
    if (at < size / 4 || at > size / 2)
      bytes.writeUInt32LE(Math.imul(at + seed, 2654435761) >>> 0, at);
  }
  return bytes;
}

export const contentsOf = (bytes: Buffer): ImageContents => ({
  digest: sha256(bytes),
  format: "raw",
  sizeBytes: BigInt(bytes.length),
  virtualSizeBytes: BigInt(bytes.length),
});

export const at = (
  urls: string | readonly string[],
  more: Partial<UrlLocation> = {},
): Omit<UrlLocation, "repository"> => ({
  kind: "url",
  urls: typeof urls === "string" ? [urls] : urls,
  packing: "none",
  ...more,
});

export const patient = (phases: string[] = []): ImageWatcher => ({
  signal: new AbortController().signal,
  onProgress: (phase) => phases.push(phase),
});

export const qemuImg = (...words: readonly string[]): string =>
  execFileSync("qemu-img", words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
