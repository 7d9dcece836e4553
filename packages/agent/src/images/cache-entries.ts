/**
 * What lies in the cache's directory and what is known of it:
 *
 *     <digest>.img      the contents; read-only, complete, verified
 *     <digest>.json     what they are, written before them: a file without it was never taken in
 *     uses/<digest>/    an empty file for each disk that backs on them
 *     partial/          what is on its way
 */
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDigest, type ImageContents, type ImageDigest, type VmId } from "@muster/model";
import { replaceFile } from "@muster/runtime";
import { syncDirectory } from "./hashing-file.ts";
import type { ImageFile, ImageUse } from "./image-cache.ts";

export interface CacheEntry extends ImageFile {
  readonly kept: boolean;
  /** Of the file as it was taken in: nobody writes to it, so that another time means damage. */
  readonly modifiedMs: number;
  readonly lastUsedAt: string;
  readonly problem: string;
  readonly uses: ReadonlySet<string>;
}

interface Stored {
  readonly format: ImageContents["format"];
  readonly sizeBytes: string;
  readonly virtualSizeBytes: string;
  readonly kept: boolean;
  readonly modifiedMs: number;
  readonly lastUsedAt: string;
}

/** QEMU runs as another user; names cannot be listed, and only who knows a digest can read what it names. */
const DIRECTORY_MODE = 0o711;

const useName = ({ vmId, diskIndex }: ImageUse): string => `${vmId}.${String(diskIndex)}`;

export const vmOfUse = (use: string): VmId => use.slice(0, use.lastIndexOf(".")) as VmId;

export class CacheEntries {
  readonly directory: string;
  readonly #entries = new Map<ImageDigest, CacheEntry>();

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(directory: string): Promise<CacheEntries> {
    const entries = new CacheEntries(directory);
    await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    await chmod(directory, DIRECTORY_MODE);
    await mkdir(entries.partialDirectory, { recursive: true, mode: 0o700 });
    await mkdir(join(directory, "uses"), { recursive: true, mode: 0o700 });
    for (const name of await readdir(directory)) {
      const digest = name.endsWith(".json") ? name.slice(0, -".json".length) : "";
      if (isDigest(digest)) await entries.#load(digest);
    }
    return entries;
  }

  get partialDirectory(): string {
    return join(this.directory, "partial");
  }

  partialPath(key: string): string {
    return join(this.partialDirectory, key);
  }

  get(digest: ImageDigest): CacheEntry | undefined {
    return this.#entries.get(digest);
  }

  all(): readonly CacheEntry[] {
    return [...this.#entries.values()];
  }

  get usedBytes(): bigint {
    return this.all().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n);
  }

  /** Takes a complete, verified, synchronised file in. */
  async adopt(
    path: string,
    contents: ImageContents,
    about: { readonly at: string; readonly kept: boolean },
  ): Promise<void> {
    await chmod(path, 0o444);
    const { mtimeMs } = await stat(path);
    const entry: CacheEntry = {
      ...contents,
      path: this.#pathOf(contents.digest),
      kept: about.kept,
      modifiedMs: mtimeMs,
      lastUsedAt: about.at,
      problem: "",
      uses: await this.#usesOf(contents.digest),
    };
    await this.#write(entry);
    await rename(path, entry.path);
    await syncDirectory(this.directory);
    this.#entries.set(contents.digest, entry);
  }

  async change(
    digest: ImageDigest,
    change: Partial<Pick<CacheEntry, "kept" | "lastUsedAt">>,
  ): Promise<void> {
    const entry = this.#entries.get(digest);
    if (entry === undefined) return;
    const changed = { ...entry, ...change };
    await this.#write(changed);
    this.#entries.set(digest, changed);
  }

  /** Kept in memory only: whoever starts anew looks anew. */
  complain(digest: ImageDigest, problem: string): void {
    const entry = this.#entries.get(digest);
    if (entry !== undefined) this.#entries.set(digest, { ...entry, problem });
  }

  async hold(digest: ImageDigest, use: ImageUse): Promise<void> {
    const directory = join(this.directory, "uses", digest);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(join(directory, useName(use)), "", { mode: 0o600 });
    await syncDirectory(directory);
    await syncDirectory(join(this.directory, "uses"));
    await this.#recount(digest);
  }

  async release(vmId: VmId): Promise<void> {
    for (const { digest, uses } of this.all()) {
      const own = [...uses].filter((use) => vmOfUse(use) === vmId);
      for (const use of own) await rm(join(this.directory, "uses", digest, use), { force: true });
      if (own.length > 0) await this.#recount(digest);
    }
  }

  /** The contents go first: books without contents are put right at the next start. */
  async remove(digest: ImageDigest): Promise<void> {
    await rm(this.#pathOf(digest), { force: true });
    await rm(this.#booksOf(digest), { force: true });
    await rm(join(this.directory, "uses", digest), { recursive: true, force: true });
    this.#entries.delete(digest);
  }

  #pathOf(digest: ImageDigest): string {
    return join(this.directory, `${digest}.img`);
  }

  #booksOf(digest: ImageDigest): string {
    return join(this.directory, `${digest}.json`);
  }

  async #recount(digest: ImageDigest): Promise<void> {
    const entry = this.#entries.get(digest);
    if (entry !== undefined)
      this.#entries.set(digest, { ...entry, uses: await this.#usesOf(digest) });
  }

  async #usesOf(digest: ImageDigest): Promise<ReadonlySet<string>> {
    return readdir(join(this.directory, "uses", digest)).then(
      (names) => new Set(names),
      () => new Set<string>(),
    );
  }

  async #load(digest: ImageDigest): Promise<void> {
    const stored = await readFile(this.#booksOf(digest), "utf8").then(
      (text) => JSON.parse(text) as Stored,
      () => undefined,
    );
    const path = this.#pathOf(digest);
    const uses = await this.#usesOf(digest);
    const found = await stat(path).then(
      (file) => file,
      () => undefined,
    );
    if (stored === undefined || (found === undefined && uses.size === 0)) {
      await rm(this.#booksOf(digest), { force: true });
      return;
    }
    const contents = {
      digest,
      format: stored.format,
      sizeBytes: BigInt(stored.sizeBytes),
      virtualSizeBytes: BigInt(stored.virtualSizeBytes),
    };
    const { kept, modifiedMs, lastUsedAt } = stored;
    const problem = found === undefined ? "the file is gone" : "";
    this.#entries.set(digest, { ...contents, path, kept, modifiedMs, lastUsedAt, problem, uses });
  }

  async #write(entry: CacheEntry): Promise<void> {
    const stored: Stored = {
      format: entry.format,
      sizeBytes: String(entry.sizeBytes),
      virtualSizeBytes: String(entry.virtualSizeBytes),
      kept: entry.kept,
      modifiedMs: entry.modifiedMs,
      lastUsedAt: entry.lastUsedAt,
    };
    await replaceFile(this.#booksOf(entry.digest), {
      text: `${JSON.stringify(stored)}\n`,
      mode: 0o600,
    });
  }
}

/** What is wrong with the file; empty: nothing that can be seen without reading it. */
export async function visibleDamage(entry: CacheEntry): Promise<string> {
  const found = await stat(entry.path, { bigint: true }).then(
    (file) => file,
    () => undefined,
  );
  if (found === undefined) return "the file is gone";
  if (found.size !== entry.sizeBytes) {
    return `the file has ${String(found.size)} bytes, not ${String(entry.sizeBytes)}`;
  }
  return Math.abs(Number(found.mtimeNs / 1_000n) / 1_000 - entry.modifiedMs) > 2
    ? "the file was written to"
    : "";
}
