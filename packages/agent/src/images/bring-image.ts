/** Brings images into the cache: downloads, checks, unpacks, judges, and only then takes them in. */
import { createHash } from "node:crypto";
import { rm, stat } from "node:fs/promises";
import { MusterError, type FetchSource, type ImageContents, type ImageDigest } from "@muster/model";
import type { Clock } from "@muster/runtime";
import type { CacheEntries } from "./cache-entries.ts";
import { convertDisk } from "./convert-disk.ts";
import { VIRTUAL_SIZE_MAX_BYTES } from "./disk-header.ts";
import { download, forgetDownload, type Download } from "./download.ts";
import { hashFile } from "./hashing-file.ts";
import type { ImageWatcher, ImportOrder } from "./image-cache.ts";
import type { ImageRoom } from "./image-room.ts";
import { inspectDisk } from "./inspect-disk.ts";
import { openPeer, openUrl, shownUrl, type PeerTrust } from "./open-source.ts";
import { unpack } from "./unpack.ts";
import { verifySignature } from "./verify-signature.ts";

export interface BringImageParts {
  readonly entries: CacheEntries;
  readonly room: ImageRoom;
  /** How this host shows itself to other hosts. */
  readonly trust: () => PeerTrust;
  readonly clock: Clock;
  /** Whole and as it was taken in. */
  readonly isSound: (digest: ImageDigest) => Promise<boolean>;
}

export class BringImage {
  readonly #parts: BringImageParts;
  readonly #fetched = { peer: 0, repository: 0 };

  constructor(parts: BringImageParts) {
    this.#parts = parts;
  }

  /** Bytes that came, by where from. */
  get fetchedBytes(): { readonly peer: number; readonly repository: number } {
    return this.#fetched;
  }

  /** Named contents. */
  async fetch(contents: ImageContents, source: FetchSource, watcher: ImageWatcher): Promise<void> {
    const { digest, sizeBytes } = contents;
    const isPlain = source.kind === "peer" || source.packing === "none";
    const what = `image ${shown(digest)} from ${nameOf(source)}`;
    const path = this.#parts.entries.partialPath(isPlain ? digest : partialKey(source));
    const unpacked = `${path}.unpacked`;
    const known = isPlain ? { totalBytes: sizeBytes } : {};
    const plan = this.#planOf(source, {
      digest,
      isNamed: true,
      ...known,
      bytesMax: isPlain ? sizeBytes : VIRTUAL_SIZE_MAX_BYTES,
    });
    const { signal, onProgress } = watcher;
    await this.#hashed(
      path,
      what,
      plan,
      watcher,
      async () => {
        if (isPlain) return hashFile(path, signal).then((found) => ({ found, path }));
        onProgress("unpacking");
        const room = {
          bytesMax: sizeBytes,
          makeRoom: (bytes: bigint) => this.#parts.room.make(bytes),
        };
        const { packing } = source;
        const out = await unpack({ from: path, to: unpacked }, packing as "gz", {
          ...room,
          what,
          signal,
        });
        return { found: out.digest, path: unpacked };
      },
      {
        digest,
        adopt: async (ready) => {
          const { size } = await stat(ready, { bigint: true });
          if (size !== sizeBytes) {
            await forgetDownload(path);
            await rm(unpacked, { force: true });
            const sizes = `${String(size)} bytes, not ${String(sizeBytes)}`;
            throw new MusterError("invalid", `${what} has ${sizes}`);
          }
          await this.#parts.entries.adopt(ready, contents, {
            at: this.#now(),
            kept: this.#parts.entries.get(digest)?.kept ?? false,
          });
        },
      },
    );
    await forgetDownload(path);
  }

  /** Contents nobody has named yet. */
  async import(order: ImportOrder, key: string, watcher: ImageWatcher): Promise<ImageContents> {
    const { source, convertTo, expected, signature } = order;
    if (source.kind === "peer") throw new MusterError("invalid", "an image is imported from a URL");
    const { signal, onProgress } = watcher;
    const what = nameOf(source);
    const path = this.#parts.entries.partialPath(key);
    const isNamed = source.packedSha256 !== undefined;
    await this.#download(
      path,
      this.#planOf(source, { isNamed, bytesMax: VIRTUAL_SIZE_MAX_BYTES }),
      watcher,
    );
    const [unpacked, converted] = [`${path}.unpacked`, `${path}.converted`];
    try {
      onProgress("checking");
      const packedSha256 = await hashFile(path, signal);
      refuseOther(what, packedSha256, source.packedSha256);
      if (signature !== undefined) await verifySignature(path, signature, { what, signal });
      const room = {
        bytesMax: VIRTUAL_SIZE_MAX_BYTES,
        makeRoom: (bytes: bigint) => this.#parts.room.make(bytes),
      };
      if (source.packing !== "none") onProgress("unpacking");
      const plain =
        source.packing === "none"
          ? { path, digest: packedSha256 }
          : {
              path: unpacked,
              digest: (
                await unpack({ from: path, to: unpacked }, source.packing, {
                  ...room,
                  what,
                  signal,
                })
              ).digest,
            };
      refuseOther(what, plain.digest, expected);
      const facts = await inspectDisk(plain.path, what, signal);
      const ready =
        convertTo === undefined || convertTo === facts.format
          ? { ...plain, format: facts.format }
          : await this.#convert(
              { from: plain.path, to: converted, format: facts.format },
              convertTo,
              watcher,
            );
      const { size } = await stat(ready.path, { bigint: true });
      const contents: ImageContents = {
        digest: ready.digest,
        format: ready.format,
        sizeBytes: size,
        virtualSizeBytes: facts.virtualSizeBytes,
      };
      if (!(await this.#parts.isSound(contents.digest))) {
        const kept = this.#parts.entries.get(contents.digest)?.kept ?? false;
        await this.#parts.entries.adopt(ready.path, contents, { at: this.#now(), kept });
      }
      return contents;
    } finally {
      // Interrupted by a stop of the agent it goes on from what is there; judged, it is not needed again.
      if (!signal.aborted) await forgetDownload(path);
      await rm(unpacked, { force: true });
      await rm(converted, { force: true });
    }
  }

  /** Downloads, hashes, and takes in what is right. Bytes an earlier try left may be wrong: once, everything is read anew. */
  async #hashed(
    path: string,
    what: string,
    plan: Download,
    watcher: ImageWatcher,
    read: () => Promise<{ readonly found: string; readonly path: string }>,
    wanted: { readonly digest: ImageDigest; readonly adopt: (path: string) => Promise<void> },
  ): Promise<void> {
    const wasBegun = await stat(path).then(
      ({ size }) => size > 0,
      () => false,
    );
    for (let fresh = !wasBegun; ; fresh = true) {
      await this.#download(path, plan, watcher);
      watcher.onProgress("checking");
      const result = await read().catch(async (error: unknown) => {
        watcher.signal.throwIfAborted();
        await forgetDownload(path);
        await rm(`${path}.unpacked`, { force: true });
        throw error;
      });
      if (result.found === wanted.digest) return await wanted.adopt(result.path);
      await forgetDownload(path);
      await rm(result.path, { force: true });
      if (fresh) {
        throw new MusterError("invalid", `${what} is not what it should be`, {
          reasons: [`its sha256 is ${result.found}, not ${wanted.digest}`],
          hint: "the source was changed or damaged; nothing was taken",
        });
      }
    }
  }

  async #download(path: string, plan: Download, watcher: ImageWatcher): Promise<void> {
    try {
      await download(path, plan, { ...watcher, clock: this.#parts.clock });
    } catch (error) {
      // What cannot be completed would only take the room that is missing.
      if (
        error instanceof MusterError &&
        ["storage-failed", "invalid", "not-found"].includes(error.code)
      ) {
        await forgetDownload(path);
      }
      throw error;
    }
  }

  #planOf(
    source: FetchSource,
    about: Pick<Download, "isNamed" | "bytesMax" | "totalBytes"> & {
      readonly digest?: ImageDigest;
    },
  ): Download {
    const { trust } = this.#parts;
    const from = source.kind === "peer" ? "peer" : "repository";
    return {
      ...about,
      from: nameOf(source),
      parts: source.kind === "peer" ? 1 : source.urls.length,
      openPart: (part, at) => {
        // Every request ends with the agent at the latest; the copy listens to the command's own signal.
        const signal = new AbortController().signal;
        if (source.kind === "peer") {
          return openPeer({ ...source, digest: about.digest ?? "" }, trust(), { ...at, signal });
        }
        const proxy = source.proxy === undefined ? {} : { proxy: source.proxy };
        return openUrl({ url: source.urls[part] ?? "", ...at, ...proxy, signal });
      },
      onBytes: (count) => {
        this.#fetched[from] += count;
      },
      makeRoom: (bytes) => this.#parts.room.make(bytes),
    };
  }

  async #convert(
    disk: { readonly from: string; readonly to: string; readonly format: ImageContents["format"] },
    to: ImageContents["format"],
    { signal, onProgress }: ImageWatcher,
  ) {
    const { size } = await stat(disk.from);
    await this.#parts.room.make(BigInt(size));
    await convertDisk({ ...disk, toFormat: to }, { signal, onProgress });
    return { path: disk.to, digest: await hashFile(disk.to, signal), format: to };
  }

  #now(): string {
    return this.#parts.clock.wall().toISOString();
  }
}

export const shown = (digest: string): string => digest.slice(0, 12);

export const nameOf = (source: FetchSource): string =>
  source.kind === "peer" ? `host ${source.host}` : shownUrl(source.urls[0] ?? "");

/** The same source, whoever asks and however its URL is signed, is one file on its way. */
export const partialKey = (source: FetchSource): string =>
  source.kind === "peer"
    ? source.ticket
    : createHash("sha256")
        .update([source.packing, ...source.urls.map((url) => url.replace(/\?.*$/, ""))].join("\n"))
        .digest("hex");

function refuseOther(what: string, found: string, wanted: string | undefined): void {
  if (wanted === undefined || found === wanted) return;
  throw new MusterError("invalid", `${what} is not what it should be`, {
    reasons: [`its sha256 is ${found}, not ${wanted}`],
    hint: "the source was changed or damaged; nothing was taken",
  });
}
