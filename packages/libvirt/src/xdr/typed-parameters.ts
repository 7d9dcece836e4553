/** libvirt's virTypedParameter lists: the wire names and tags every value, we give and take plain objects. */
import { double, hyper, int, string, uhyper, uint, type Codec } from "./codec.ts";
import type { Reader } from "./reader.ts";
import { XdrError } from "./xdr-error.ts";

/** Decoded type by kind: `int`, `uint` and `double` are numbers, the 64-bit kinds are bigints. */
export type TypedValue = number | bigint | boolean | string;

/** A field that came more than once is an array, in order. The object has no prototype: any name is safe. */
export type TypedParameters = Readonly<Record<string, TypedValue | readonly TypedValue[]>>;

/** One parameter on its way out, with the kind libvirt declares for it. */
export type TypedParameter =
  | { readonly field: string; readonly kind: "int" | "uint" | "double"; readonly value: number }
  | { readonly field: string; readonly kind: "llong" | "ullong"; readonly value: bigint }
  | { readonly field: string; readonly kind: "boolean"; readonly value: boolean }
  | { readonly field: string; readonly kind: "string"; readonly value: string };

export type TypedKind = TypedParameter["kind"];

const boolean: Codec<boolean> = {
  wire: "int",
  minBytes: 4,
  encode: (writer, value) => writer.uint32(value ? 1 : 0),
  decode: (reader) => reader.int32() !== 0,
};

const KINDS = [
  { tag: 1, kind: "int", codec: int },
  { tag: 2, kind: "uint", codec: uint },
  { tag: 3, kind: "llong", codec: hyper },
  { tag: 4, kind: "ullong", codec: uhyper },
  { tag: 5, kind: "double", codec: double },
  { tag: 6, kind: "boolean", codec: boolean },
  { tag: 7, kind: "string", codec: string },
] as const;

const decoderOfTag: readonly (((reader: Reader) => TypedValue) | undefined)[] = [
  undefined,
  ...KINDS.map(
    ({ codec }) =>
      (reader: Reader) =>
        codec.decode(reader),
  ),
];
const byKind = new Map<TypedKind, { tag: number; codec: Codec<never> }>(
  KINDS.map(({ tag, kind, codec }) => [kind, { tag, codec: codec as Codec<never> }]),
);

const arms = KINDS.map(({ tag, codec }) => `${tag}=${codec.wire}`).join(",");

/** Field names are at most 80 bytes in libvirt; a length above this is a broken packet. */
const FIELD_MAX = 1024;

/** name length, tag, and the smallest value. */
const PARAMETER_MIN_BYTES = 12;

export const typedParameters = (
  max: number,
): Codec<TypedParameters, readonly TypedParameter[]> => ({
  wire: `{field:string,value:union(int){${arms}}}<>`,
  minBytes: 4,
  encode(writer, parameters) {
    if (parameters.length > max) throw new XdrError(`more than ${max} typed parameters`);
    writer.uint32(parameters.length);
    for (const { field, kind, value } of parameters) {
      const entry = byKind.get(kind);
      if (!entry) throw new XdrError(`typed parameter ${field} has no kind ${kind}`);
      string.encode(writer, field);
      writer.uint32(entry.tag);
      entry.codec.encode(writer, value as never);
    }
  },
  decode(reader) {
    const size = reader.uint32();
    if (size > max || size > reader.remaining / PARAMETER_MIN_BYTES) {
      throw new XdrError(`${size} typed parameters do not fit`);
    }
    return decodeParameters(reader, size);
  },
});

function decodeParameters(reader: Reader, size: number): TypedParameters {
  const parameters = Object.create(null) as Record<string, TypedValue | TypedValue[]>;
  for (let i = 0; i < size; i++) {
    const length = reader.uint32();
    if (length > FIELD_MAX) throw new XdrError(`parameter name of ${length} bytes`);
    const field = reader.utf8(length);
    const tag = reader.uint32();
    const decode = decoderOfTag[tag];
    if (!decode) throw new XdrError(`typed parameter ${field} has unknown kind ${tag}`);
    const value = decode(reader);
    const earlier = parameters[field];
    if (earlier === undefined) parameters[field] = value;
    else if (Array.isArray(earlier)) earlier.push(value);
    else parameters[field] = [earlier, value];
  }
  return parameters;
}
