import { FRAME_MAX, HEADER_BYTES, readPacket, type Packet } from "./packet.ts";

/** A length that no frame can have. */
export class FrameLengthError extends Error {
  override readonly name = "FrameLengthError";
}

const LENGTH_BYTES = 4;

/**
 * Cuts a byte stream into packets, wherever the stream was split.
 *
 * A frame that arrives whole is a view of its chunk. One that arrives in pieces is copied into a buffer that grows
 * with what has really come, so an announced length costs nothing.
 */
export class PacketDecoder {
  #partial = Buffer.alloc(0);
  #partialBytes = 0;

  /** Calls `onPacket` for each packet that `chunk` completes. Throws FrameLengthError; the decoder is then useless. */
  push(chunk: Buffer, onPacket: (packet: Packet) => void): void {
    let rest = chunk;
    if (this.#partialBytes > 0) {
      const taken = this.#fill(rest);
      if (taken < 0) return;
      const frame = this.#partial.subarray(0, this.#partialBytes);
      this.#partial = Buffer.alloc(0);
      this.#partialBytes = 0;
      rest = rest.subarray(taken);
      onPacket(readPacket(frame));
    }
    let at = 0;
    while (rest.length - at >= LENGTH_BYTES) {
      const length = frameLength(rest, at);
      if (rest.length - at < length) break;
      onPacket(readPacket(rest.subarray(at, at + length)));
      at += length;
    }
    if (at < rest.length) this.#append(rest.subarray(at));
  }

  /** Moves bytes of `chunk` into the partial frame. Returns how many, or -1 if the frame still is not whole. */
  #fill(chunk: Buffer): number {
    let taken = 0;
    if (this.#partialBytes < LENGTH_BYTES) {
      taken = Math.min(LENGTH_BYTES - this.#partialBytes, chunk.length);
      this.#append(chunk.subarray(0, taken));
      if (this.#partialBytes < LENGTH_BYTES) return -1;
    }
    const missing = frameLength(this.#partial, 0) - this.#partialBytes;
    const piece = chunk.subarray(taken, taken + missing);
    this.#append(piece);
    return piece.length === missing ? taken + missing : -1;
  }

  #append(bytes: Buffer): void {
    const needed = this.#partialBytes + bytes.length;
    if (needed > this.#partial.length) {
      const bigger = Buffer.allocUnsafeSlow(Math.min(FRAME_MAX, Math.max(needed * 2, 4096)));
      this.#partial.copy(bigger, 0, 0, this.#partialBytes);
      this.#partial = bigger;
    }
    bytes.copy(this.#partial, this.#partialBytes);
    this.#partialBytes = needed;
  }
}

function frameLength(buffer: Buffer, at: number): number {
  const length = buffer.readUInt32BE(at);
  if (length < HEADER_BYTES || length > FRAME_MAX) {
    throw new FrameLengthError(`frame of ${length} bytes`);
  }
  return length;
}
