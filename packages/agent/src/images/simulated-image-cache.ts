/**
 * An image cache in memory, for simulated hosts. What hosts can fetch is in a library they share: peers are found in it by
 * who has an image, URLs by their text.
 */
import {
  MusterError,
  type CachedImage,
  type FetchSource,
  type ImageContents,
  type ImageDigest,
  type VmId,
} from "@muster/model";
import type { Clock } from "@muster/runtime";
import type {
  FetchOrder,
  ImageCache,
  ImageCounters,
  ImageFile,
  ImageUse,
  ImageWatcher,
  ImportOrder,
} from "./image-cache.ts";

/** What lies at URLs in the simulated world. */
export class SimulatedLibrary {
  readonly contents = new Map<string, ImageContents>();
  /** Of a host and an image: it was fetched so often. */
  readonly fetches: string[] = [];
  /** Of each host; they outlive its agent. */
  readonly #disks = new Map<string, SimulatedImageDisk>();
  /** Requests that fail before they have any effect. */
  failures = 0;

  diskOf(host: string): SimulatedImageDisk {
    const disk = this.#disks.get(host) ?? new SimulatedImageDisk();
    this.#disks.set(host, disk);
    return disk;
  }

  /** VMs whose disks hold an image in the host's cache. */
  usersOn(host: string): readonly VmId[] {
    const uses = [...this.diskOf(host).images.values()].flatMap((image) => [...image.uses]);
    return uses.map((use) => use.slice(0, use.lastIndexOf(".")) as VmId);
  }
}

/** Outlives the agent, as a directory does. */
export class SimulatedImageDisk {
  readonly images = new Map<
    ImageDigest,
    { readonly contents: ImageContents; kept: boolean; readonly uses: Set<string> }
  >();
}

const FETCH_MS = 20;

export class SimulatedImageCache implements ImageCache {
  readonly #host: string;
  readonly #library: SimulatedLibrary;
  readonly #disk: SimulatedImageDisk;
  readonly #clock: Clock;
  #hits = 0;
  #misses = 0;

  constructor(parts: {
    readonly host: string;
    readonly library: SimulatedLibrary;
    readonly disk: SimulatedImageDisk;
    readonly clock: Clock;
  }) {
    this.#host = parts.host;
    this.#library = parts.library;
    this.#disk = parts.disk;
    this.#clock = parts.clock;
  }

  get counters(): ImageCounters {
    return {
      hits: this.#hits,
      misses: this.#misses,
      evictions: 0,
      fetchedBytes: { peer: 0, repository: 0 },
      servedBytes: 0,
    };
  }

  async fetch(
    { contents, sources }: FetchOrder,
    { signal, onProgress }: ImageWatcher,
  ): Promise<void> {
    if (this.#disk.images.has(contents.digest)) {
      this.#hits += 1;
      return;
    }
    onProgress("fetching");
    await this.#clock.sleep(FETCH_MS, signal);
    this.#failOnce();
    const found = sources.some(
      (source) => source.kind === "peer" || this.#at(source)?.digest === contents.digest,
    );
    if (!found)
      throw new MusterError("unreachable", "the image could not be fetched", {
        reasons: ["nobody is known to have it"],
      });
    this.#misses += 1;
    this.#library.fetches.push(`${this.#host} ${contents.digest}`);
    this.#disk.images.set(contents.digest, { contents, kept: false, uses: new Set() });
  }

  async import({ source }: ImportOrder, { signal }: ImageWatcher): Promise<ImageContents> {
    await this.#clock.sleep(FETCH_MS, signal);
    this.#failOnce();
    const contents = this.#at(source);
    if (contents === undefined) throw new MusterError("not-found", "there is no such file");
    if (!this.#disk.images.has(contents.digest)) {
      this.#disk.images.set(contents.digest, { contents, kept: false, uses: new Set() });
    }
    return contents;
  }

  async hold(digest: ImageDigest, { vmId, diskIndex }: ImageUse): Promise<ImageFile> {
    const image = this.#disk.images.get(digest);
    if (image === undefined)
      throw new MusterError("not-found", "the image is not in this host's cache");
    image.uses.add(`${vmId}.${String(diskIndex)}`);
    return { ...image.contents, path: `/images/${digest}.img` };
  }

  async release(vmId: VmId): Promise<void> {
    for (const { uses } of this.#disk.images.values()) {
      for (const use of uses) if (use.startsWith(vmId)) uses.delete(use);
    }
  }

  offer(digest: ImageDigest): void {
    if (!this.#disk.images.has(digest))
      throw new MusterError("not-found", "the image is not in this host's cache");
  }

  async keep(digest: ImageDigest, keep: boolean): Promise<void> {
    const image = this.#disk.images.get(digest);
    if (image !== undefined) image.kept = keep;
  }

  async drop(digest: ImageDigest): Promise<void> {
    this.#failOnce();
    if ((this.#disk.images.get(digest)?.uses.size ?? 0) > 0) {
      throw new MusterError("wrong-state", "disks here back on the image");
    }
    this.#disk.images.delete(digest);
  }

  report() {
    const images = [...this.#disk.images.values()].map(({ contents, kept, uses }): CachedImage => ({
      ...contents,
      kept,
      uses: uses.size,
      lastUsedAt: "2026-01-01T00:00:00.000Z",
      problem: "",
    }));
    return {
      address: `${this.#host}:9178`,
      usedBytes: images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n),
      maxBytes: 2n ** 40n,
      images,
    };
  }

  async clean(isKnown: (vmId: VmId) => boolean): Promise<void> {
    for (const { uses } of this.#disk.images.values()) {
      for (const use of uses)
        if (!isKnown(use.slice(0, use.lastIndexOf(".")) as VmId)) uses.delete(use);
    }
  }

  #at(source: FetchSource): ImageContents | undefined {
    return source.kind === "peer" ? undefined : this.#library.contents.get(source.urls.join(" "));
  }

  #failOnce(): void {
    if (this.#library.failures === 0) return;
    this.#library.failures -= 1;
    throw new MusterError("unreachable", "a simulated fault");
  }
}
