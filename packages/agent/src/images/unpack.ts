/** Unpacks gz, xz and zst while it counts: what becomes larger than it may is stopped, not stored. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { MusterError, renderSize, type ImagePacking } from "@muster/model";
import { PIECE_BYTES, SparseWriter } from "./hashing-file.ts";
import { isDiskFull } from "./download.ts";

export interface UnpackLimits {
  readonly bytesMax: bigint;
  /** Asked now and then; throws when the disk has no room for so much more. */
  readonly makeRoom: (bytes: bigint) => Promise<void>;
}

/** A dictionary of the highest level takes 65 MiB; more is a file made to hurt. */
const XZ_MEMORY = "--memlimit-decompress=256MiB";
const ROOM_STEP_BYTES = 256 * 1024 * 1024;

/** SHA-256 of what came out, and how much. */
export interface Unpacked {
  readonly digest: string;
  readonly sizeBytes: bigint;
}

export async function unpack(
  paths: { readonly from: string; readonly to: string },
  packing: Exclude<ImagePacking, "none">,
  options: UnpackLimits & { readonly what: string; readonly signal: AbortSignal },
): Promise<Unpacked> {
  const { signal, what, bytesMax, makeRoom } = options;
  const hash = createHash("sha256");
  const file = await open(paths.to, "w", 0o600);
  const writer = new SparseWriter(file);
  let roomUntil = 0;
  const sink = async (pieces: AsyncIterable<unknown>): Promise<void> => {
    for await (const piece of pieces as AsyncIterable<Buffer>) {
      if (BigInt(writer.position + piece.length) > bytesMax) {
        throw new MusterError("invalid", `${what} unpacks to more than it may`, {
          reasons: [`at most ${renderSize(bytesMax)} are taken`],
        });
      }
      if (writer.position >= roomUntil) {
        await makeRoom(BigInt(ROOM_STEP_BYTES));
        roomUntil = writer.position + ROOM_STEP_BYTES;
      }
      hash.update(piece);
      await writer.write(piece);
    }
  };
  try {
    const packed = createReadStream(paths.from, { highWaterMark: PIECE_BYTES });
    if (packing === "xz") await throughXz(packed, sink, signal);
    else {
      const options = { chunkSize: PIECE_BYTES };
      const unpacker = packing === "gz" ? createGunzip(options) : createZstdDecompress(options);
      await pipeline(packed, unpacker, sink, { signal });
    }
    await writer.finish();
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof MusterError) throw cause;
    if (isDiskFull(cause)) {
      throw new MusterError("storage-failed", "the image cache's disk is full", { cause });
    }
    throw new MusterError("invalid", `${what} is no sound ${packing} file`, { cause });
  } finally {
    await file.close();
  }
  return { digest: hash.digest("hex"), sizeBytes: BigInt(writer.position) };
}

async function throughXz(
  packed: NodeJS.ReadableStream,
  sink: (pieces: AsyncIterable<unknown>) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const xz = spawn("xz", ["--decompress", "--stdout", XZ_MEMORY], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
  });
  let said = "";
  xz.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (said.length < 1_000) said += text;
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    xz.once("error", reject);
    xz.once("close", resolve);
  });
  const feeding = pipeline(packed, xz.stdin, { signal });
  const reading = pipeline(xz.stdout, sink, { signal });
  try {
    const [fed, read] = await Promise.allSettled([feeding, reading]);
    if (read.status === "rejected") throw read.reason as Error;
    const code = await ended;
    if (code !== 0)
      throw new Error(said.trim() === "" ? `xz ended with ${String(code)}` : said.trim());
    if (fed.status === "rejected") throw fed.reason as Error;
  } finally {
    xz.kill("SIGKILL");
  }
}
