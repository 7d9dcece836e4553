import type { RpcStream } from "./rpc-stream.ts";

/** A hole is handed on in pieces of this size, so that a sparse terabyte costs no memory. */
const ZEROS = Buffer.alloc(65_536);

/** What a stream brings as bytes alone: its holes read as zeros. */
export class FilledReader {
  readonly #stream: RpcStream;
  #holeLeft = 0n;

  constructor(stream: RpcStream) {
    this.#stream = stream;
  }

  /** The next bytes, or null at the end. Rejects with the error that ended the stream. */
  async read(): Promise<Buffer | null> {
    for (;;) {
      const bytes = this.readNow();
      if (bytes) return bytes;
      const item = await this.#stream.read();
      if (item === null) return null;
      if (item.kind === "data") return item.data;
      this.#holeLeft = item.bytes;
    }
  }

  /** The next bytes if they have already come. */
  readNow(): Buffer | undefined {
    while (this.#holeLeft === 0n) {
      const item = this.#stream.readNow();
      if (item?.kind !== "hole") return item?.data;
      this.#holeLeft = item.bytes;
    }
    const size = this.#holeLeft < BigInt(ZEROS.length) ? Number(this.#holeLeft) : ZEROS.length;
    this.#holeLeft -= BigInt(size);
    return ZEROS.subarray(0, size);
  }
}
