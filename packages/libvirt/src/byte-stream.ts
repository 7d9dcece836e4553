import { Duplex } from "node:stream";
import { LibvirtError } from "./errors.ts";
import type { RpcStream, StreamItem } from "./rpc-stream.ts";

/** A hole is handed on in pieces of this size, so that a sparse terabyte costs no memory. */
const ZEROS = Buffer.alloc(65_536);

/**
 * A libvirt stream as a Node stream of bytes, with back-pressure both ways. Holes read as zeros.
 *
 * `end()` finishes it, and "finish" means that the daemon has everything; `destroy()` aborts it in the daemon.
 */
export class ByteStream extends Duplex {
  readonly #stream: RpcStream;
  #holeLeft = 0n;
  #isReading = false;

  constructor(stream: RpcStream) {
    super({ writableHighWaterMark: 1_048_576, readableHighWaterMark: 1_048_576 });
    this.#stream = stream;
  }

  override _read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#pump().then(
      () => (this.#isReading = false),
      (error: unknown) => this.destroy(error as Error),
    );
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#stream.write(chunk).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#stream.finish().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // An error of the daemon has already ended the stream there.
    if (!(error instanceof LibvirtError))
      this.#stream.abort(error ?? new Error("stream destroyed"));
    done(error);
  }

  async #pump(): Promise<void> {
    while (this.#holeLeft > 0n) {
      const size = this.#holeLeft < BigInt(ZEROS.length) ? Number(this.#holeLeft) : ZEROS.length;
      this.#holeLeft -= BigInt(size);
      if (!this.push(ZEROS.subarray(0, size))) return;
    }
    const item = await this.#stream.read();
    this.#accept(item);
  }

  #accept(item: StreamItem | null): void {
    if (item === null) {
      this.push(null);
      // The daemon waits for us to finish too.
      if (!this.writableEnded) this.end();
    } else if (item.kind === "data") {
      this.#isReading = false;
      this.push(item.data);
    } else {
      this.#holeLeft = item.bytes;
      this.#isReading = false;
      this._read();
    }
  }
}
