/**
 * XDR as a small algebra: one declaration is the encoder, the decoder, the TypeScript type and the wire signature
 * that a test holds against libvirt's own definition.
 */
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";
import { XdrError } from "./xdr-error.ts";

/** `Out` is what decoding gives; `In` is what encoding takes, which differs only for typed parameters. */
export interface Codec<Out, In = Out> {
  /** Canonical form of the type on the wire, for example `{name:string,id:int}<>`. */
  readonly wire: string;
  /** The least bytes a value takes. It bounds a hostile list length by the bytes that are really there. */
  readonly minBytes: number;
  encode(writer: Writer, value: In): void;
  decode(reader: Reader): Out;
}

export type AnyCodec = Codec<unknown, never>;
export type Shape = Readonly<Record<string, AnyCodec>>;
export type Decoded<C> = C extends { decode(reader: Reader): infer Out } ? Out : never;
export type Encoded<C> = C extends { encode(writer: Writer, value: infer In): void } ? In : never;
export type DecodedStruct<S extends Shape> = { readonly [K in keyof S]: Decoded<S[K]> };
export type EncodedStruct<S extends Shape> = { readonly [K in keyof S]: Encoded<S[K]> };

/** libvirt's REMOTE_STRING_MAX: both sides refuse longer strings. */
const STRING_MAX = 4_194_304;

const integer = (wire: string, min: number, max: number): Codec<number> => ({
  wire,
  minBytes: 4,
  encode(writer, value) {
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new XdrError(`${value} is not an integer between ${min} and ${max}`);
    }
    writer.uint32(value);
  },
  decode: min < 0 ? (reader) => reader.int32() : (reader) => reader.uint32(),
});

export const int = integer("int", -0x8000_0000, 0x7fff_ffff);
export const uint = integer("uint", 0, 0xffff_ffff);
export const ushort = integer("ushort", 0, 0xffff);
export const uchar = integer("uchar", 0, 0xff);
export const char = integer("char", -0x80, 0x7f);

const hyperInteger = (wire: string, min: bigint, max: bigint): Codec<bigint> => ({
  wire,
  minBytes: 8,
  encode(writer, value) {
    if (value < min || value > max) throw new XdrError(`${value} does not fit 64 bits`);
    writer.uint64(value);
  },
  decode: min < 0n ? (reader) => reader.int64() : (reader) => reader.uint64(),
});

export const hyper = hyperInteger("hyper", -(1n << 63n), (1n << 63n) - 1n);
export const uhyper = hyperInteger("uhyper", 0n, (1n << 64n) - 1n);

export const double: Codec<number> = {
  wire: "double",
  minBytes: 8,
  encode: (writer, value) => writer.double(value),
  decode: (reader) => reader.double(),
};

export const string: Codec<string> = {
  wire: "string",
  minBytes: 4,
  encode(writer, value) {
    const size = Buffer.byteLength(value);
    if (size > STRING_MAX) throw new XdrError(`string of ${size} bytes is above ${STRING_MAX}`);
    // C on the other side would silently stop at it.
    if (value.includes("\0")) throw new XdrError("string contains a NUL");
    writer.uint32(size);
    writer.text(value, size);
  },
  decode: (reader) => reader.utf8(bounded(reader.uint32(), STRING_MAX, "string")),
};

/** Variable-length bytes; decoding copies them out of the packet. */
export const opaque = (max: number): Codec<Uint8Array> => ({
  wire: "opaque<>",
  minBytes: 4,
  encode(writer, value) {
    writer.uint32(bounded(value.length, max, "opaque"));
    writer.opaque(value);
  },
  decode: (reader) => new Uint8Array(reader.opaque(bounded(reader.uint32(), max, "opaque"))),
});

/** Sixteen bytes on the wire, the usual dashed lower-case text for us. */
export const uuid: Codec<string> = {
  wire: "opaque[16]",
  minBytes: 16,
  encode(writer, value) {
    const bytes = Buffer.from(value.replaceAll("-", ""), "hex");
    if (bytes.length !== 16) throw new XdrError(`"${value}" is not a UUID`);
    writer.opaque(bytes);
  },
  decode: (reader) => reader.uuid(),
};

/** XDR sends every character of a C char array as a whole int. `fixed` is a C string padded with NULs. */
export const fixedChars = (size: number): Codec<string> => ({
  wire: `char[${size}]`,
  minBytes: 4 * size,
  encode(writer, value) {
    const bytes = Buffer.from(value, "utf8");
    if (bytes.length >= size) throw new XdrError(`"${value}" does not fit ${size - 1} bytes`);
    for (let i = 0; i < size; i++) writer.uint32(bytes[i] ?? 0);
  },
  decode(reader) {
    let text = "";
    let isAscii = true;
    const bytes = reader.opaque(4 * size);
    for (let at = 3; at < bytes.length && bytes[at] !== 0; at += 4) {
      const byte = bytes[at] ?? 0;
      isAscii &&= byte < 0x80;
      text += String.fromCharCode(byte);
    }
    return isAscii ? text : Buffer.from(text, "latin1").toString("utf8");
  },
});

/** A counted char array: bytes, each sent as an int. */
export const chars = (max: number): Codec<Uint8Array> => ({
  wire: "char<>",
  minBytes: 4,
  encode(writer, value) {
    writer.uint32(bounded(value.length, max, "char array"));
    for (const byte of value) writer.uint32((byte << 24) >> 24);
  },
  decode(reader) {
    const size = bounded(reader.uint32(), Math.min(max, reader.remaining / 4), "char array");
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) bytes[i] = reader.int32();
    return bytes;
  },
});

class Optional<Out, In> implements Codec<Out | null, In | null> {
  readonly minBytes = 4;
  readonly #inner: Codec<Out, In>;

  constructor(inner: Codec<Out, In>) {
    this.#inner = inner;
  }

  get wire(): string {
    return `?${this.#inner.wire}`;
  }

  encode(writer: Writer, value: In | null): void {
    writer.uint32(value === null ? 0 : 1);
    if (value !== null) this.#inner.encode(writer, value);
  }

  decode(reader: Reader): Out | null {
    const present = reader.uint32();
    if (present > 1) throw new XdrError(`optional marked with ${present}`);
    return present === 1 ? this.#inner.decode(reader) : null;
  }
}

export const optional = <Out, In>(inner: Codec<Out, In>): Codec<Out | null, In | null> =>
  new Optional(inner);

class List<Out, In> implements Codec<readonly Out[], readonly In[]> {
  readonly minBytes = 4;
  readonly #inner: Codec<Out, In>;
  readonly #max: number;

  constructor(inner: Codec<Out, In>, max: number) {
    this.#inner = inner;
    this.#max = max;
  }

  get wire(): string {
    return `${this.#inner.wire}<>`;
  }

  encode(writer: Writer, value: readonly In[]): void {
    writer.uint32(bounded(value.length, this.#max, "list"));
    for (const item of value) this.#inner.encode(writer, item);
  }

  decode(reader: Reader): readonly Out[] {
    const size = reader.uint32();
    bounded(size, Math.min(this.#max, reader.remaining / this.#inner.minBytes), "list");
    const items: Out[] = [];
    for (let i = 0; i < size; i++) items.push(this.#inner.decode(reader));
    return items;
  }
}

export const list = <Out, In>(
  inner: Codec<Out, In>,
  max: number,
): Codec<readonly Out[], readonly In[]> => new List(inner, max);

/** Fields in the order of the declaration. What they add up to is worked out at the first use. */
class Struct<S extends Shape> implements Codec<DecodedStruct<S>, EncodedStruct<S>> {
  readonly #shape: S;
  #known: readonly (readonly [string, Codec<unknown>])[] | undefined;
  #minBytes = 0;

  constructor(shape: S) {
    this.#shape = shape;
  }

  get #fields(): readonly (readonly [string, Codec<unknown>])[] {
    return (this.#known ??= Object.entries<AnyCodec>(this.#shape) as [string, Codec<unknown>][]);
  }

  get wire(): string {
    return `{${this.#fields.map(([name, field]) => `${name}:${field.wire}`).join(",")}}`;
  }

  get minBytes(): number {
    if (this.#minBytes === 0) {
      for (const [, field] of this.#fields) this.#minBytes += field.minBytes;
    }
    return this.#minBytes;
  }

  encode(writer: Writer, value: EncodedStruct<S>): void {
    const source = value as Record<string, unknown>;
    for (const [name, field] of this.#fields) field.encode(writer, source[name]);
  }

  decode(reader: Reader): DecodedStruct<S> {
    const target: Record<string, unknown> = {};
    const fields = this.#fields;
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i] as readonly [string, Codec<unknown>];
      target[field[0]] = field[1].decode(reader);
    }
    return target as DecodedStruct<S>;
  }
}

export const struct = <S extends Shape>(shape: S): Codec<DecodedStruct<S>, EncodedStruct<S>> =>
  new Struct(shape);

function bounded(size: number, max: number, what: string): number {
  if (size > max) throw new XdrError(`${what} of length ${size} is above ${Math.floor(max)}`);
  return size;
}
