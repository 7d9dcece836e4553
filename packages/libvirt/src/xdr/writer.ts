const SPARE_BYTES = 4096;

/** Memory that a finished writer left for the next one; undefined while somebody writes into it. */
let spare: Buffer | undefined;

const NOTHING = Buffer.alloc(0);

/** Appends XDR (RFC 4506) to a growing buffer. Everything is big-endian and padded to four bytes. */
export class Writer {
  #buffer: Buffer;
  #length: number;

  /** `reserved` leading bytes are left for a header that is filled in later. */
  constructor(reserved = 0) {
    this.#buffer = spare ?? Buffer.allocUnsafeSlow(SPARE_BYTES);
    spare = undefined;
    this.#length = reserved;
  }

  /** The bytes written, the reserved ones included. They end the writing. */
  finish(): Buffer {
    const buffer = this.#buffer;
    // What was long is handed over, what is short copied: the next writer then needs no memory of its own.
    if (buffer.length > SPARE_BYTES) return buffer.subarray(0, this.#length);
    const bytes = Buffer.allocUnsafe(this.#length);
    buffer.copy(bytes, 0, 0, this.#length);
    this.#buffer = NOTHING;
    spare = buffer;
    return bytes;
  }

  uint32(value: number): void {
    const at = this.#grow(4);
    this.#buffer.writeUInt32BE(value >>> 0, at);
  }

  uint64(value: bigint): void {
    const at = this.#grow(8);
    this.#buffer.writeBigUInt64BE(BigInt.asUintN(64, value), at);
  }

  double(value: number): void {
    const at = this.#grow(8);
    this.#buffer.writeDoubleBE(value, at);
  }

  /** Bytes and their padding, without a length. */
  opaque(bytes: Uint8Array): void {
    const padded = (bytes.length + 3) & ~3;
    const at = this.#grow(padded);
    this.#buffer.set(bytes, at);
    this.#buffer.fill(0, at + bytes.length, at + padded);
  }

  /** UTF-8 and its padding, without a length; `size` is the length in bytes. */
  text(value: string, size: number): void {
    const padded = (size + 3) & ~3;
    const at = this.#grow(padded);
    this.#buffer.write(value, at, size, "utf8");
    this.#buffer.fill(0, at + size, at + padded);
  }

  #grow(size: number): number {
    const at = this.#length;
    const needed = at + size;
    if (needed > this.#buffer.length) {
      const bigger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, needed));
      this.#buffer.copy(bigger, 0, 0, at);
      this.#buffer = bigger;
    }
    this.#length = needed;
    return at;
  }
}
