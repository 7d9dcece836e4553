import {
  FRAME_MAX,
  HEADER_BYTES,
  packetStatus,
  packetType,
  readPacket,
  type Packet,
  type PacketHeader,
} from "./packet.ts";

/** A length that no frame can have. */
export class FrameLengthError extends Error {
  override readonly name = "FrameLengthError";
}

export type OnPacket = (packet: Packet) => void;

/** Bytes of a stream packet that has not come whole; never empty. */
export type OnStreamBytes = (header: PacketHeader, bytes: Buffer) => void;

const LENGTH_BYTES = 4;

/** A frame up to this size is allocated at once, a longer one as it comes. */
const TRUSTED_BYTES = 65_536;

/**
 * Cuts a byte stream into packets, wherever the stream was split.
 *
 * A frame that arrives whole is a view of its chunk. One that arrives in pieces is copied into a buffer that grows
 * with what has really come, so an announced length costs nothing. Stream data is not gathered at all if the caller
 * takes it in pieces.
 */
export class PacketDecoder {
  #partial = Buffer.alloc(0);
  #partialBytes = 0;
  #streaming: { readonly header: PacketHeader; left: number } | undefined;

  /** Calls back for each packet that `chunk` completes. Throws FrameLengthError; the decoder is then useless. */
  push(chunk: Buffer, onPacket: OnPacket, onStreamBytes?: OnStreamBytes): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#streaming) at = this.#passOn(chunk, at, onStreamBytes);
      else if (this.#partialBytes > 0) at = this.#fill(chunk, at, onPacket, onStreamBytes);
      else at = this.#cut(chunk, at, onPacket, onStreamBytes);
    }
  }

  /** A frame that starts in this chunk. Returns where the next one does. */
  #cut(chunk: Buffer, at: number, onPacket: OnPacket, onStreamBytes?: OnStreamBytes): number {
    const available = chunk.length - at;
    const length = available >= LENGTH_BYTES ? frameLength(chunk, at) : Infinity;
    if (available >= length) {
      onPacket(readPacket(chunk.subarray(at, at + length)));
      return at + length;
    }
    if (onStreamBytes && available >= HEADER_BYTES) {
      const { frame, ...header } = readPacket(chunk.subarray(at, at + HEADER_BYTES));
      if (frame.length > 0 && isStreamData(header)) {
        this.#streaming = { header, left: length - HEADER_BYTES };
        return at + HEADER_BYTES;
      }
    }
    this.#append(chunk.subarray(at));
    return chunk.length;
  }

  /** Completes a frame that an earlier chunk began. */
  #fill(chunk: Buffer, at: number, onPacket: OnPacket, onStreamBytes?: OnStreamBytes): number {
    const wanted = this.#wanted(onStreamBytes !== undefined);
    const piece = chunk.subarray(at, at + wanted - this.#partialBytes);
    this.#append(piece);
    if (this.#partialBytes < wanted) return chunk.length;
    const length = frameLength(this.#partial, 0);
    if (this.#partialBytes < HEADER_BYTES) return at + piece.length;
    const packet = readPacket(this.#partial.subarray(0, this.#partialBytes));
    if (this.#partialBytes === length) {
      this.#reset();
      onPacket(packet);
    } else if (onStreamBytes && this.#partialBytes === HEADER_BYTES && isStreamData(packet)) {
      const { frame, ...header } = packet;
      this.#streaming = { header, left: length - frame.length };
      this.#reset();
    }
    return at + piece.length;
  }

  /** How far to fill the partial frame before it can be looked at again: length, header, all. */
  #wanted(canStream: boolean): number {
    if (this.#partialBytes < LENGTH_BYTES) return LENGTH_BYTES;
    const length = frameLength(this.#partial, 0);
    return canStream && this.#partialBytes < HEADER_BYTES ? HEADER_BYTES : length;
  }

  #passOn(chunk: Buffer, at: number, onStreamBytes?: OnStreamBytes): number {
    const streaming = this.#streaming;
    if (!streaming) return at;
    const bytes = chunk.subarray(at, at + streaming.left);
    streaming.left -= bytes.length;
    if (streaming.left === 0) this.#streaming = undefined;
    onStreamBytes?.(streaming.header, bytes);
    return at + bytes.length;
  }

  #append(bytes: Buffer): void {
    const needed = this.#partialBytes + bytes.length;
    if (needed > this.#partial.length) {
      const announced = needed >= LENGTH_BYTES ? this.#announced(bytes) : HEADER_BYTES;
      const size = announced <= TRUSTED_BYTES ? announced : Math.min(announced, needed * 2);
      const bigger = Buffer.allocUnsafeSlow(Math.max(size, needed));
      this.#partial.copy(bigger, 0, 0, this.#partialBytes);
      this.#partial = bigger;
    }
    bytes.copy(this.#partial, this.#partialBytes);
    this.#partialBytes = needed;
  }

  /** The length that the frame says it has, from the bytes here and the ones about to be appended. */
  #announced(bytes: Buffer): number {
    if (this.#partialBytes >= LENGTH_BYTES) return frameLength(this.#partial, 0);
    const head = this.#partial.subarray(0, this.#partialBytes);
    return frameLength(Buffer.concat([head, bytes.subarray(0, LENGTH_BYTES)]), 0);
  }

  #reset(): void {
    this.#partial = Buffer.alloc(0);
    this.#partialBytes = 0;
  }
}

function isStreamData({ type, status }: PacketHeader): boolean {
  return type === packetType.stream && status === packetStatus.continue;
}

function frameLength(buffer: Buffer, at: number): number {
  const length = buffer.readUInt32BE(at);
  if (length < HEADER_BYTES || length > FRAME_MAX) {
    throw new FrameLengthError(`frame of ${length} bytes`);
  }
  return length;
}
