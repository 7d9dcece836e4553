/**
 * A data stream inside a connection: volume upload and download, consoles, screenshots.
 *
 * Its back-pressure is the socket's, so a stream gets a connection of its own: a slow reader stops the socket.
 */
import { deferred } from "./deferred.ts";
import { LibvirtError, ProtocolError } from "./errors.ts";
import { error as errorStruct } from "./protocol/generated/structures.ts";
import {
  HEADER_BYTES,
  packetStatus,
  packetType,
  STREAM_CHUNK_BYTES,
  type Packet,
} from "./wire/packet.ts";
import { hyper, struct, uint } from "./xdr/codec.ts";
import { Reader } from "./xdr/reader.ts";
import { Writer } from "./xdr/writer.ts";

/** Data, or the length in bytes of a run of zeros that a sparse stream does not send. */
export type StreamItem =
  | { readonly kind: "data"; readonly data: Buffer }
  | { readonly kind: "hole"; readonly bytes: bigint };

/** What the stream needs of its connection. */
export interface StreamLink {
  readonly name: string;
  /** Returns false if the socket's buffer is full. */
  send(packet: { readonly type: number; readonly status: number }, payload: Uint8Array): boolean;
  drained(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Both sides are done: the slot is free. */
  ended(): void;
}

const EMPTY = new Uint8Array(0);
const { stream: type } = packetType;
const streamHole = struct({ length: hyper, flags: uint });

/** What a hole counts while it waits to be read, so that a flood of them is held back too. */
const HOLE_FRAME_BYTES = 40;

/** Above this many received and unread bytes the socket is paused. */
const RECEIVE_HIGH_BYTES = 1_048_576;

export class RpcStream {
  serial = 0;
  readonly #link: StreamLink;
  readonly #items: StreamItem[] = [];
  readonly #finished = deferred<void>();
  readonly #closed = deferred<void>();
  #itemBytes = 0;
  #isPaused = false;
  #isAtEnd = false;
  #isDone = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(link: StreamLink) {
    this.#link = link;
    // Whoever cares awaits finish(); an error that nobody awaits must not end the process.
    this.#finished.promise.catch(heardElsewhere);
  }

  /** Resolves once the daemon has nothing more to say about the stream. What it sent may still wait to be read. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** The next piece, or null at the end of what the daemon sends. Rejects with the error that ended the stream. */
  async read(): Promise<StreamItem | null> {
    for (;;) {
      const item = this.readNow();
      if (item) return item;
      if (this.#error) throw this.#error;
      if (this.#isAtEnd) return null;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The next piece if it has already come. */
  readNow(): StreamItem | undefined {
    const item = this.#items.shift();
    if (!item) return undefined;
    this.#itemBytes -= item.kind === "data" ? item.data.length : HOLE_FRAME_BYTES;
    if (this.#isPaused && this.#itemBytes < RECEIVE_HIGH_BYTES / 2) this.#setPaused(false);
    return item;
  }

  /** Sends bytes; resolves when the socket has room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += STREAM_CHUNK_BYTES) {
      if (this.#error) throw this.#error;
      const piece = bytes.subarray(at, at + STREAM_CHUNK_BYTES);
      const hasRoom = this.#link.send({ type, status: packetStatus.continue }, piece);
      if (!hasRoom) await this.#link.drained();
    }
    if (this.#error) throw this.#error;
  }

  /** Skips over `bytes` zeros; only on a stream opened as sparse. */
  async writeHole(bytes: bigint): Promise<void> {
    if (this.#error) throw this.#error;
    const writer = new Writer();
    streamHole.encode(writer, { length: bytes, flags: 0 });
    const packet = { type: packetType.streamHole, status: packetStatus.continue };
    if (!this.#link.send(packet, writer.finish())) await this.#link.drained();
  }

  /** Says that we are done and waits for the daemon to have everything. Rejects with its error. */
  finish(): Promise<void> {
    if (!this.#isDone) this.#link.send({ type, status: packetStatus.ok }, EMPTY);
    return this.#finished.promise;
  }

  /** Ends the stream as failed: the daemon drops what it was doing. */
  abort(reason: Error): void {
    if (this.#isDone) return;
    this.#error = reason;
    this.#items.length = 0;
    this.#setPaused(false);
    this.#link.send({ type, status: packetStatus.error }, EMPTY);
    this.#finished.reject(reason);
    this.#notify();
  }

  /** The caller stopped waiting for the stream to open. */
  abandon(): void {
    this.abort(new Error("the stream was abandoned"));
  }

  /** Ended by an answer or by the loss of the connection. */
  fail(error: Error): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#error ??= error;
    this.#finished.reject(error);
    this.#closed.resolve();
    this.#notify();
  }

  receive(packet: Packet): void {
    const { status, frame } = packet;
    if (packet.type === packetType.streamHole) return this.#receiveHole(frame);
    if (packet.type !== type) throw new ProtocolError(`packet of type ${packet.type} in a stream`);
    if (status === packetStatus.continue) return this.#receiveData(frame.subarray(HEADER_BYTES));
    if (status === packetStatus.error) {
      const details = errorStruct.decode(new Reader(frame, HEADER_BYTES));
      this.fail(new LibvirtError(details, this.#link.name));
    } else {
      this.#isDone = true;
      this.#isAtEnd = true;
      this.#finished.resolve();
      this.#closed.resolve();
      this.#notify();
    }
    this.#link.ended();
  }

  /** Data of a packet that need not have come whole. */
  receiveBytes(data: Buffer): void {
    this.#push({ kind: "data", data }, data.length);
    this.#notify();
  }

  /** A packet without data is the end of what the daemon sends. */
  #receiveData(data: Buffer): void {
    if (data.length > 0) return this.receiveBytes(data);
    this.#isAtEnd = true;
    this.#notify();
  }

  #receiveHole(frame: Buffer): void {
    const { length } = streamHole.decode(new Reader(frame, HEADER_BYTES));
    if (length < 0n) throw new ProtocolError(`hole of ${length} bytes`);
    this.#push({ kind: "hole", bytes: length }, HOLE_FRAME_BYTES);
    this.#notify();
  }

  #push(item: StreamItem, bytes: number): void {
    if (this.#error) return;
    this.#items.push(item);
    this.#itemBytes += bytes;
    if (!this.#isPaused && this.#itemBytes > RECEIVE_HIGH_BYTES) this.#setPaused(true);
  }

  #setPaused(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#link.pause();
    else this.#link.resume();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

function heardElsewhere(): void {
  // Whoever awaits the promise itself gets the error.
}
