import { Duplex } from "./builtins.ts";
import { LibvirtError } from "./errors.ts";
import { FilledReader } from "./filled-reader.ts";
import type { RpcStream } from "./rpc-stream.ts";
import { webStreamsOf, type WebStreams } from "./web-streams.ts";

/**
 * A libvirt stream as a Node stream of bytes, with back-pressure both ways. Holes read as zeros.
 *
 * `end()` finishes it, and "finish" means that the daemon has everything; `destroy()` aborts it in the daemon.
 * `toWeb()` gives Web streams instead.
 */
export class ByteStream extends Duplex {
  readonly #stream: RpcStream;
  readonly #reader: FilledReader;
  #isPumping = false;
  #isWanted = false;

  constructor(stream: RpcStream) {
    super({ writableHighWaterMark: 1_048_576, readableHighWaterMark: 1_048_576 });
    this.#stream = stream;
    this.#reader = new FilledReader(stream);
  }

  /** The same as Web streams, to be used instead of this one: the bytes go to whoever reads first. */
  toWeb(): WebStreams {
    return webStreamsOf(this.#stream);
  }

  /**
   * virStreamRecv (0.7.2): copies the next bytes into memory of yours and resolves with their number, 0 at the end. The
   * fastest way to read, for who uses the same memory again. To be used instead of the other ways: the bytes go to
   * whoever reads first. After the end, finish with `end()`.
   */
  recv(target: Uint8Array): Promise<number> {
    return this.#stream.recv(target);
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
      const bytes = this.#reader.readNow() ?? (await this.#reader.read());
      if (bytes === null) return this.#end();
      hasRoom = this.push(bytes);
    }
    this.#isPumping = false;
  }

  #end(): void {
    this.push(null);
    // The daemon waits for us to finish too.
    if (!this.writableEnded) this.end();
  }
}
