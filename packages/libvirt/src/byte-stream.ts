import { Duplex } from "./builtins.ts";
import { LibvirtError } from "./errors.ts";
import type { RpcStream } from "./rpc-stream.ts";

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
  #isPumping = false;
  #isWanted = false;

  constructor(stream: RpcStream) {
    super({ writableHighWaterMark: 1_048_576, readableHighWaterMark: 1_048_576 });
    this.#stream = stream;
  }

  override _read(): void {
    // Node asks once and then waits for a push: a question during a pump must not be lost.
    this.#isWanted = true;
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#pump().catch((error: unknown) => this.destroy(error as Error));
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

  /** Pushes what there is while the reader wants more; waits only if there is nothing. */
  async #pump(): Promise<void> {
    let hasRoom = true;
    while (hasRoom || this.#isWanted) {
      this.#isWanted = false;
      hasRoom = this.#pushHole();
      if (!hasRoom) continue;
      const item = this.#stream.readNow() ?? (await this.#stream.read());
      if (item === null) return this.#end();
      if (item.kind === "hole") this.#holeLeft = item.bytes;
      else hasRoom = this.push(item.data);
    }
    this.#isPumping = false;
  }

  /** False if the reader has enough. */
  #pushHole(): boolean {
    while (this.#holeLeft > 0n) {
      const size = this.#holeLeft < BigInt(ZEROS.length) ? Number(this.#holeLeft) : ZEROS.length;
      this.#holeLeft -= BigInt(size);
      if (!this.push(ZEROS.subarray(0, size))) return false;
    }
    return true;
  }

  #end(): void {
    this.push(null);
    // The daemon waits for us to finish too.
    if (!this.writableEnded) this.end();
  }
}
