/** Reads and writes files whose contents are named by their hash. Holes stay holes. */
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

/** Fewer, larger pieces: a host has little CPU to spare for its agent. */
export const PIECE_BYTES = 1024 * 1024;
/** Of a filesystem; smaller holes save nothing. */
const HOLE_BYTES = 4096;

const zeros = Buffer.alloc(HOLE_BYTES);

/** Hexadecimal. */
export async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await hashInto(hash, path, signal);
  return hash.digest("hex");
}

export async function hashInto(hash: Hash, path: string, signal: AbortSignal): Promise<void> {
  for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES, signal })) {
    hash.update(piece as Buffer);
  }
}

/** Writes from a position on, leaving out what is nothing but zeros. */
export class SparseWriter {
  readonly #file: FileHandle;
  #position: number;

  constructor(file: FileHandle, position = 0) {
    this.#file = file;
    this.#position = position;
  }

  get position(): number {
    return this.#position;
  }

  async write(piece: Buffer): Promise<void> {
    let begin = 0;
    for (let at = 0; at < piece.length; at += HOLE_BYTES) {
      const block = piece.subarray(at, at + HOLE_BYTES);
      if (block.length < HOLE_BYTES || !block.equals(zeros)) continue;
      await this.#put(piece, begin, at);
      begin = at + HOLE_BYTES;
    }
    await this.#put(piece, begin, piece.length);
    this.#position += piece.length;
  }

  /** The end may be a hole, and what is written must outlive a power cut. */
  async finish(): Promise<void> {
    await this.#file.truncate(this.#position);
    await this.#file.sync();
  }

  async #put(piece: Buffer, from: number, to: number): Promise<void> {
    for (let at = from; at < to;) {
      const { bytesWritten } = await this.#file.write(piece, at, to - at, this.#position + at);
      at += bytesWritten;
    }
  }
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
