/** The image cache on a directory. Everything in it is complete and verified, or in `partial/`. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  MusterError,
  type ImageCacheReport,
  type ImageContents,
  type ImageDigest,
  type VmId,
} from "@muster/model";
import type { Clock, Log } from "@muster/runtime";
import { BringImage, nameOf, partialKey, shown } from "./bring-image.ts";
import { CacheEntries, visibleDamage, vmOfUse } from "./cache-entries.ts";
import { hashFile } from "./hashing-file.ts";
import type {
  FetchOrder,
  ImageCache,
  ImageCounters,
  ImageFile,
  ImageUse,
  ImageWatcher,
  ImportOrder,
} from "./image-cache.ts";
import { ImageRoom } from "./image-room.ts";
import type { PeerTrust } from "./open-source.ts";
import { textOf } from "./run-tool.ts";
import { Tickets } from "./tickets.ts";

export interface FileImageCacheParts {
  readonly directory: string;
  /** Unused images are evicted above this. */
  readonly maxBytes: bigint;
  /** Unused images are evicted when nobody has wanted them for so long. */
  readonly ageMaxMs: number;
  /** How this host shows itself to other hosts. */
  readonly trust: () => PeerTrust;
  readonly clock: Clock;
  readonly log: Log;
  /** Something changed that the coordinator should hear of. */
  readonly changed: () => void;
}

/** What nobody went on with for a day. */
const PARTIAL_MAX_MS = 24 * 3_600_000;

export class FileImageCache implements ImageCache {
  readonly #parts: FileImageCacheParts;
  readonly #entries: CacheEntries;
  readonly #fetching = new Map<ImageDigest, Promise<void>>();
  readonly #importing = new Map<string, Promise<ImageContents>>();
  readonly tickets: Tickets;
  #address = "";
  readonly #room: ImageRoom;
  readonly #bring: BringImage;
  #counters = { hits: 0, misses: 0, served: 0 };

  private constructor(parts: FileImageCacheParts, entries: CacheEntries) {
    this.#parts = parts;
    this.#entries = entries;
    this.tickets = new Tickets(parts.clock);
    const { tickets } = this;
    this.#room = new ImageRoom({ ...parts, entries, tickets });
    const isSound = (digest: ImageDigest): Promise<boolean> => this.#isSound(digest);
    this.#bring = new BringImage({ ...parts, entries, room: this.#room, isSound });
  }

  static async open(parts: FileImageCacheParts): Promise<FileImageCache> {
    return new FileImageCache(parts, await CacheEntries.open(parts.directory));
  }

  /** Where other hosts reach `image-server.ts`. */
  servedAt(address: string): void {
    this.#address = address;
  }

  served(bytes: number): void {
    this.#counters.served += bytes;
  }

  get counters(): ImageCounters {
    const { hits, misses, served } = this.#counters;
    const { evictions } = this.#room;
    return { hits, misses, evictions, fetchedBytes: this.#bring.fetchedBytes, servedBytes: served };
  }

  find(digest: ImageDigest): ImageFile | undefined {
    return this.#entries.get(digest);
  }

  report(): ImageCacheReport {
    return {
      address: this.#address,
      usedBytes: this.#entries.usedBytes,
      maxBytes: this.#parts.maxBytes,
      images: this.#entries.all().map((entry) => ({
        digest: entry.digest,
        format: entry.format,
        sizeBytes: entry.sizeBytes,
        virtualSizeBytes: entry.virtualSizeBytes,
        uses: entry.uses.size,
        kept: entry.kept,
        lastUsedAt: entry.lastUsedAt,
        problem: entry.problem,
      })),
    };
  }

  async fetch(order: FetchOrder, watcher: ImageWatcher): Promise<void> {
    const { digest } = order.contents;
    if (await this.#isSound(digest)) {
      this.#counters.hits += 1;
      await this.#entries.change(digest, { lastUsedAt: this.#now() });
      return;
    }
    const going = this.#fetching.get(digest);
    if (going !== undefined) {
      this.#counters.hits += 1;
      watcher.onProgress("waiting: another operation fetches it already");
      // Whoever began may be cancelled; then it is this one's turn.
      await untilAborted(going, watcher.signal).catch(() => this.fetch(order, watcher));
      return;
    }
    this.#counters.misses += 1;
    const fetched = this.#fetchFromAny(order, watcher).finally(() => this.#fetching.delete(digest));
    this.#fetching.set(digest, fetched);
    await fetched;
    this.#parts.changed();
  }

  async import(order: ImportOrder, watcher: ImageWatcher): Promise<ImageContents> {
    const key = partialKey(order.source);
    const going = this.#importing.get(key);
    if (going !== undefined) {
      throw new MusterError("busy", "another operation reads the same source on this host");
    }
    const imported = this.#bring
      .import(order, key, watcher)
      .finally(() => this.#importing.delete(key));
    this.#importing.set(key, imported);
    const contents = await imported;
    this.#parts.changed();
    return contents;
  }

  async hold(digest: ImageDigest, use: ImageUse): Promise<ImageFile> {
    if (!(await this.#isSound(digest))) {
      throw new MusterError("not-found", `image ${shown(digest)} is not in this host's cache`, {
        hint: "fetch it again: muster image prefetch IMAGE --host HOST",
      });
    }
    await this.#entries.hold(digest, use);
    await this.#entries.change(digest, { lastUsedAt: this.#now() });
    const entry = this.#entries.get(digest);
    if (entry === undefined) throw new MusterError("internal", "a held image is gone");
    this.#parts.changed();
    return entry;
  }

  async release(vmId: VmId): Promise<void> {
    await this.#entries.release(vmId);
    this.#parts.changed();
  }

  offer(digest: ImageDigest, ticket: string, forMs: number): void {
    if (this.#entries.get(digest) === undefined) {
      throw new MusterError("not-found", `image ${shown(digest)} is not in this host's cache`);
    }
    this.tickets.add(ticket, digest, forMs);
  }

  async keep(digest: ImageDigest, keep: boolean): Promise<void> {
    if (this.#entries.get(digest) === undefined && keep) {
      throw new MusterError("not-found", `image ${shown(digest)} is not in this host's cache`);
    }
    await this.#entries.change(digest, { kept: keep });
    this.#parts.changed();
  }

  async drop(digest: ImageDigest): Promise<void> {
    const entry = this.#entries.get(digest);
    if (entry === undefined) return;
    if (entry.uses.size > 0) {
      throw new MusterError(
        "wrong-state",
        `${String(entry.uses.size)} disks here back on image ${shown(digest)}`,
        {
          reasons: [...new Set([...entry.uses].map((use) => `VM ${vmOfUse(use)}`))].slice(0, 20),
        },
      );
    }
    await this.#entries.remove(digest);
    this.#parts.changed();
  }

  async clean(isKnown: (vmId: VmId) => boolean): Promise<void> {
    const { maxBytes, ageMaxMs, log } = this.#parts;
    for (const { uses } of this.#entries.all()) {
      const gone = [...new Set([...uses].map(vmOfUse))].filter((vmId) => !isKnown(vmId));
      for (const vmId of gone) await this.#entries.release(vmId);
    }
    await this.#room.evict({ maxBytes, ageMaxMs, shortBytes: 0n });
    await this.#cleanPartials();
    for (const { digest } of this.#entries.all()) {
      const damage = await this.#damageOf(digest);
      if (damage === "") continue;
      log.error({ image: digest, why: damage }, "an image in the cache is damaged");
      await this.#giveUpDamaged(digest, damage);
    }
    this.#parts.changed();
  }

  async #damageOf(digest: ImageDigest): Promise<string> {
    const entry = this.#entries.get(digest);
    if (entry === undefined) return "";
    const damage = await visibleDamage(entry);
    if (damage !== "") return damage;
    const found = await hashFile(entry.path, new AbortController().signal);
    return found === digest ? "" : `its contents hash to ${shown(found)}`;
  }

  /** True: it is here and looks as it was taken in. What does not is given up, so that it is fetched anew. */
  async #isSound(digest: ImageDigest): Promise<boolean> {
    const entry = this.#entries.get(digest);
    if (entry === undefined) return false;
    const damage = entry.problem === "" ? await visibleDamage(entry) : entry.problem;
    if (damage === "") return true;
    this.#parts.log.error({ image: digest, why: damage }, "an image in the cache is damaged");
    await this.#giveUpDamaged(digest, damage);
    return false;
  }

  /** Disks that back on it need the file by its name: it is replaced, never taken away from under them. */
  async #giveUpDamaged(digest: ImageDigest, damage: string): Promise<void> {
    const entry = this.#entries.get(digest);
    if (entry === undefined) return;
    if (entry.uses.size > 0 || entry.kept) this.#entries.complain(digest, damage);
    else await this.#entries.remove(digest);
    this.#parts.changed();
  }

  async #fetchFromAny(order: FetchOrder, watcher: ImageWatcher): Promise<void> {
    const { contents, sources } = order;
    const reasons: string[] = [];
    for (const source of sources) {
      try {
        await this.#bring.fetch(contents, source, watcher);
        return;
      } catch (error) {
        watcher.signal.throwIfAborted();
        // No other source makes room on this disk.
        if (error instanceof MusterError && error.code === "storage-failed") throw error;
        this.#parts.log.warn(
          { image: contents.digest, err: error },
          "an image could not be fetched from a source",
        );
        reasons.push(`${nameOf(source)}: ${textOf(error)}`);
      }
    }
    throw new MusterError("unreachable", `image ${shown(contents.digest)} could not be fetched`, {
      reasons: reasons.length === 0 ? ["nobody is known to have it"] : reasons,
      hint: "see where it should be: muster image show; muster repo ls",
    });
  }

  async #cleanPartials(): Promise<void> {
    const { partialDirectory } = this.#entries;
    if (this.#fetching.size + this.#importing.size > 0) return;
    const oldMs = this.#parts.clock.wall().getTime() - PARTIAL_MAX_MS;
    for (const name of await readdir(partialDirectory)) {
      const path = join(partialDirectory, name);
      const { mtimeMs } = await stat(path);
      if (mtimeMs < oldMs) await rm(path, { force: true });
    }
  }

  #now(): string {
    return this.#parts.clock.wall().toISOString();
  }
}

async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => {
    reject(signal.reason as Error);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
