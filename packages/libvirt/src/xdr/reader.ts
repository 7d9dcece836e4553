import { XdrError } from "./xdr-error.ts";

/** Reads XDR (RFC 4506) from a slice of a buffer and never beyond it. */
export class Reader {
  readonly #buffer: Buffer;
  readonly #end: number;
  #at: number;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  int32(): number {
    return this.#buffer.readInt32BE(this.#take(4));
  }

  uint32(): number {
    return this.#buffer.readUInt32BE(this.#take(4));
  }

  int64(): bigint {
    return this.#buffer.readBigInt64BE(this.#take(8));
  }

  uint64(): bigint {
    return this.#buffer.readBigUInt64BE(this.#take(8));
  }

  double(): number {
    return this.#buffer.readDoubleBE(this.#take(8));
  }

  /** A view of `size` bytes; their padding is skipped. Copy it to keep it longer than the packet. */
  opaque(size: number): Buffer {
    const at = this.#take((size + 3) & ~3);
    return this.#buffer.subarray(at, at + size);
  }

  utf8(size: number): string {
    const at = this.#take((size + 3) & ~3);
    return this.#buffer.toString("utf8", at, at + size);
  }

  /** For names that libvirt defines, which are ASCII: several times faster than UTF-8. */
  latin1(size: number): string {
    const at = this.#take((size + 3) & ~3);
    return this.#buffer.toString("latin1", at, at + size);
  }

  #take(size: number): number {
    const at = this.#at;
    // A size above 2^31 turns negative in the padding arithmetic.
    if (size < 0 || size > this.#end - at) {
      throw new XdrError(`${size} bytes wanted at ${at} of ${this.#end}`);
    }
    this.#at = at + size;
    return at;
  }
}
