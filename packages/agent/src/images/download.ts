/**
 * Brings the bytes of a source into one file, and goes on where it, or an agent before it, was interrupted. Beside the
 * file lies what it must know for that: which parts are complete, and which version of the file this is.
 */
import { open, readFile, rm, stat, writeFile, type FileHandle } from "node:fs/promises";
import { isMusterError, MusterError, renderSize } from "@muster/model";
import type { Clock } from "@muster/runtime";
import { SparseWriter } from "./hashing-file.ts";
import type { ImageWatcher } from "./image-cache.ts";
import type { OpenedSource } from "./open-source.ts";
import { textOf } from "./run-tool.ts";

export interface Download {
  /** For people: "host h2", "https://…". */
  readonly from: string;
  readonly parts: number;
  readonly openPart: (
    part: number,
    at: { readonly offset: number; readonly validator?: string },
  ) => Promise<OpenedSource>;
  /** True: the whole is hashed at the end, so it does not matter whose bytes they are. */
  readonly isNamed: boolean;
  readonly bytesMax: bigint;
  /** Absent: not known. */
  readonly totalBytes?: bigint;
  readonly onBytes: (count: number) => void;
  /** Throws when the disk has no room for so much more. */
  readonly makeRoom: (bytes: bigint) => Promise<void>;
}

interface Progress {
  /** Bytes of each part that is complete. */
  readonly doneBytes: readonly number[];
  /** Of the part that is not. */
  readonly validator?: string;
}

/** Tries in a row that bring nothing. Those that bring something do not count. */
const TRIES_MAX = 4;
const RETRY_MS = 500;
const TELL_MS = 1_000;

const statePath = (path: string): string => `${path}.state`;

export async function forgetDownload(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(statePath(path), { force: true });
}

/** Resolves once everything is in the file and synchronised. A failure leaves what came, for the next try. */
export async function download(
  path: string,
  from: Download,
  watcher: ImageWatcher & { readonly clock: Clock },
): Promise<void> {
  for (let tries = 1; ;) {
    const before = await sizeOf(path);
    try {
      return await downloadOnce(path, from, watcher);
    } catch (error) {
      watcher.signal.throwIfAborted();
      if (isFinal(error)) throw error;
      tries = (await sizeOf(path)) > before ? 1 : tries + 1;
      if (tries > TRIES_MAX) throw error;
      watcher.onProgress(`trying ${from.from} again: ${textOf(error)}`);
      await watcher.clock.sleep(RETRY_MS * tries, watcher.signal);
    }
  }
}

/** What will not be better in a moment. */
const isFinal = (error: unknown): boolean =>
  isMusterError(error) && error.code !== "unreachable" && error.code !== "timeout";

async function downloadOnce(
  path: string,
  from: Download,
  watcher: ImageWatcher & { readonly clock: Clock },
): Promise<void> {
  const file = await open(path, "a+", 0o600).then(async (made) => {
    await made.close();
    return open(path, "r+");
  });
  try {
    let progress = await loadProgress(path);
    for (let part = progress.doneBytes.length; part < from.parts; part += 1) {
      progress = await downloadPart(file, { path, part, progress, from, watcher });
      await saveProgress(path, progress);
    }
  } finally {
    await file.close();
  }
}

async function downloadPart(
  file: FileHandle,
  parts: {
    readonly path: string;
    readonly part: number;
    readonly progress: Progress;
    readonly from: Download;
    readonly watcher: ImageWatcher & { readonly clock: Clock };
  },
): Promise<Progress> {
  const { path, part, progress, from, watcher } = parts;
  const { doneBytes, validator } = progress;
  const start = doneBytes.reduce((sum, bytes) => sum + bytes, 0);
  const size = (await file.stat()).size;
  const mayResume = from.isNamed || validator !== undefined;
  const offset = mayResume ? Math.max(0, size - start) : 0;
  const source = await from.openPart(part, {
    offset,
    ...(validator === undefined || from.isNamed ? {} : { validator }),
  });
  const isOther =
    source.validator !== undefined && validator !== undefined && source.validator !== validator;
  if (!from.isNamed && source.offset > 0 && isOther) {
    source.stream.destroy();
    await file.truncate(start);
    await saveProgress(path, { doneBytes });
    throw new MusterError("unreachable", `${from.from} changed while it was read`);
  }
  if (source.validator !== undefined && source.validator !== validator) {
    await saveProgress(path, { doneBytes, validator: source.validator });
  }
  await file.truncate(start + source.offset);
  const rest = source.totalBytes === undefined ? 0 : source.totalBytes - source.offset;
  if (BigInt(start + (source.totalBytes ?? 0)) > from.bytesMax) {
    source.stream.destroy();
    throw tooLarge(from, BigInt(start + (source.totalBytes ?? 0)));
  }
  await from.makeRoom(BigInt(Math.max(0, rest)));
  const writer = new SparseWriter(file, start + source.offset);
  await copy(source, writer, from, watcher);
  await writer.finish();
  const bytes = writer.position - start;
  if (source.totalBytes !== undefined && bytes !== source.totalBytes) {
    const counts = `${String(bytes)} of ${String(source.totalBytes)} bytes`;
    throw new MusterError("unreachable", `${from.from} ended after ${counts}`);
  }
  return { doneBytes: [...doneBytes, bytes] };
}

async function copy(
  source: OpenedSource,
  writer: SparseWriter,
  from: Download,
  { signal, onProgress, clock }: ImageWatcher & { readonly clock: Clock },
): Promise<void> {
  let toldAt = clock.now();
  const stop = (): void => {
    source.stream.destroy(signal.reason as Error);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    // A stream that ended before it was asked for has nothing more to say.
    if (source.stream.destroyed) return;
    for await (const piece of source.stream) {
      signal.throwIfAborted();
      await writer.write(piece as Buffer);
      from.onBytes((piece as Buffer).length);
      if (BigInt(writer.position) > from.bytesMax) throw tooLarge(from, BigInt(writer.position));
      if (clock.now() - toldAt >= TELL_MS) {
        toldAt = clock.now();
        onProgress(progressText(from, BigInt(writer.position), source));
      }
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (isMusterError(cause)) throw cause;
    throw isDiskFull(cause)
      ? new MusterError("storage-failed", "the image cache's disk is full", { cause })
      : new MusterError(
          "unreachable",
          `${from.from} broke off after ${String(writer.position)} bytes`,
          { cause },
        );
  } finally {
    signal.removeEventListener("abort", stop);
    source.stream.destroy();
  }
}

export const isDiskFull = (error: unknown): boolean =>
  error instanceof Error &&
  "code" in error &&
  (error.code === "ENOSPC" || error.code === "EDQUOT" || error.code === "EFBIG");

function progressText(from: Download, bytes: bigint, source: OpenedSource): string {
  const whole = from.totalBytes ?? (from.parts === 1 ? BigInt(source.totalBytes ?? 0) : 0n);
  const percent = whole === 0n ? "" : ` (${String((bytes * 100n) / whole)} %)`;
  return `fetching from ${from.from}: ${renderSize(bytes)}${percent}`;
}

const tooLarge = (from: Download, bytes: bigint): MusterError =>
  new MusterError("invalid", `${from.from} has more than it may`, {
    reasons: [`${renderSize(bytes)} or more, at most ${renderSize(from.bytesMax)} are taken`],
  });

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function loadProgress(path: string): Promise<Progress> {
  try {
    const value = JSON.parse(await readFile(statePath(path), "utf8")) as Progress;
    const isSound = Array.isArray(value.doneBytes) && value.doneBytes.every(Number.isSafeInteger);
    return isSound ? value : { doneBytes: [] };
  } catch {
    return { doneBytes: [] };
  }
}

/** Torn by a crash it is not read, and the download begins anew. */
const saveProgress = (path: string, progress: Progress): Promise<void> =>
  writeFile(statePath(path), JSON.stringify(progress), { mode: 0o600 });
