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
import { StreamInbox, type StreamItem } from "./stream-inbox.ts";

export type { StreamItem };

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

export class RpcStream {
  serial = 0;
  readonly #link: StreamLink;
  readonly #inbox: StreamInbox;
  readonly #finished = deferred<void>();
  readonly #closed = deferred<void>();
  #isAtEnd = false;
  #isDone = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(link: StreamLink) {
    this.#link = link;
    this.#inbox = new StreamInbox((isPaused) => (isPaused ? link.pause() : link.resume()));
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
    return this.#inbox.take();
  }

  /**
   * virStreamRecv (0.7.2): copies the next bytes into memory of the caller's, which can be the same every time: the
   * fastest way to read. Resolves with their number, 0 at the end. A hole reads as the zeros that it stands for.
   */
  async recv(target: Uint8Array): Promise<number> {
    if (target.length === 0) throw new RangeError("recv() needs room for at least one byte");
    for (;;) {
      const size = this.#inbox.copyInto(target);
      if (size > 0) return size;
      if (this.#error) throw this.#error;
      if (this.#isAtEnd) return 0;
      this.#inbox.expectInto(target);
      await new Promise<void>((resolve) => (this.#wake = resolve));
      const received = this.#inbox.endExpecting();
      if (received > 0) return received;
    }
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
    this.#inbox.clear();
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

  /** True if the memory of the packet is kept. */
  receive(packet: Packet): boolean {
    const { status, frame } = packet;
    if (packet.type === packetType.stream && status === packetStatus.continue) {
      return this.#receiveData(frame.subarray(HEADER_BYTES));
    }
    if (packet.type === packetType.streamHole) this.#receiveHole(frame);
    else if (packet.type === packetType.stream) this.#receiveEnd(packet);
    else throw new ProtocolError(`packet of type ${packet.type} in a stream`);
    return false;
  }

  #receiveEnd({ status, frame }: Packet): void {
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

  /** Data of a packet that need not have come whole. True if the memory is kept. */
  receiveBytes(data: Buffer): boolean {
    if (this.#error) return false;
    const isKept = this.#inbox.add(data);
    this.#notify();
    return isKept;
  }

  /** A packet without data is the end of what the daemon sends. */
  #receiveData(data: Buffer): boolean {
    if (data.length > 0) return this.receiveBytes(data);
    this.#isAtEnd = true;
    this.#notify();
    return false;
  }

  #receiveHole(frame: Buffer): void {
    const { length } = streamHole.decode(new Reader(frame, HEADER_BYTES));
    if (length < 0n) throw new ProtocolError(`hole of ${length} bytes`);
    if (!this.#error) this.#inbox.addItem({ kind: "hole", bytes: length });
    this.#notify();
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
