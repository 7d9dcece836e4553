import { textAt, uuidAt } from "./known-texts.ts";
import { XdrError } from "./xdr-error.ts";

/** Reads XDR (RFC 4506) from a slice of a buffer and never beyond it. */
export class Reader {
  readonly #buffer: Buffer;
  readonly #view: DataView;
  readonly #end: number;
  #at: number;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    this.#at = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#take(8));
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  /** A view of `size` bytes; their padding is skipped. Copy it to keep it longer than the packet. */
  opaque(size: number): Buffer {
    const at = this.#take((size + 3) & ~3);
    return this.#buffer.subarray(at, at + size);
  }

  utf8(size: number): string {
    return textAt(this.#buffer, this.#take((size + 3) & ~3), size);
  }

  /** Sixteen bytes as lower-case text with dashes. */
  uuid(): string {
    return uuidAt(this.#buffer, this.#view, this.#take(16));
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
