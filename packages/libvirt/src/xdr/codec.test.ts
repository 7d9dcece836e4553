import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as xdr from "./codec.ts";
import { Reader } from "./reader.ts";
import { fromTypedParameters, toTypedParameters } from "./parameter-spec.ts";
import { typedParameters, type TypedParameter } from "./typed-parameters.ts";
import { Writer } from "./writer.ts";
import { XdrError } from "./xdr-error.ts";

function encoded<In>(codec: xdr.Codec<unknown, In>, value: In): Buffer {
  const writer = new Writer();
  codec.encode(writer, value);
  return writer.finish();
}

function roundTrip<Out, In>(codec: xdr.Codec<Out, In>, value: In): Out {
  const reader = new Reader(encoded(codec, value));
  const decoded = codec.decode(reader);
  expect(reader.remaining).toBe(0);
  return decoded;
}

const hex = (text: string) => new Reader(Buffer.from(text.replaceAll(" ", ""), "hex"));

const everything = xdr.struct({
  int: xdr.int,
  uint: xdr.uint,
  ushort: xdr.ushort,
  uchar: xdr.uchar,
  char: xdr.char,
  hyper: xdr.hyper,
  uhyper: xdr.uhyper,
  double: xdr.double,
  string: xdr.string,
  opaque: xdr.opaque(64),
  uuid: xdr.uuid,
  fixed: xdr.fixedChars(8),
  chars: xdr.chars(64),
  optional: xdr.optional(xdr.string),
  list: xdr.list(xdr.struct({ a: xdr.int }), 10),
});

const text = fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\0"));
const bytes = fc.uint8Array({ maxLength: 64 });
const anything = fc.record({
  int: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  uint: fc.nat({ max: 0xffff_ffff }),
  ushort: fc.nat({ max: 0xffff }),
  uchar: fc.nat({ max: 0xff }),
  char: fc.integer({ min: -128, max: 127 }),
  hyper: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  uhyper: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  double: fc.double({ noNaN: true }),
  string: text,
  opaque: bytes,
  uuid: fc.uuid(),
  fixed: fc.stringMatching(/^[a-z]{0,7}$/),
  chars: bytes,
  optional: fc.option(text),
  list: fc.array(fc.record({ a: fc.integer({ min: -5, max: 5 }) }), { maxLength: 10 }),
});

describe("XDR", () => {
  it("decodes what it encoded, to the last byte", () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(roundTrip(everything, value)).toEqual(value);
      }),
    );
  });

  it("is always a multiple of four bytes, and at least minBytes", () => {
    fc.assert(
      fc.property(anything, (value) => {
        const { length } = encoded(everything, value);
        expect(length % 4).toBe(0);
        expect(length).toBeGreaterThanOrEqual(everything.minBytes);
      }),
    );
  });

  it("writes as RFC 4506 says", () => {
    expect(encoded(xdr.string, "sillyprog").toString("hex")).toBe(
      "00000009" + "73696c6c7970726f67" + "000000",
    );
    expect(encoded(xdr.optional(xdr.int), -1).toString("hex")).toBe("00000001ffffffff");
    expect(encoded(xdr.chars(9), Buffer.from("ab")).toString("hex")).toBe(
      "000000020000006100000062",
    );
  });

  it.each<[string, xdr.Codec<unknown, never>, unknown]>([
    ["an int above 31 bits", xdr.int, 0x8000_0000],
    ["a negative unsigned int", xdr.uint, -1],
    ["half a number", xdr.int, 0.5],
    ["a hyper above 63 bits", xdr.hyper, 1n << 63n],
    ["a negative unsigned hyper", xdr.uhyper, -1n],
    ["a string with a NUL", xdr.string, "a\0b"],
    ["text that is not a UUID", xdr.uuid, "nonsense"],
    ["a fixed string that is too long", xdr.fixedChars(4), "abcd"],
    ["too many bytes", xdr.opaque(2), new Uint8Array(3)],
    ["too long a list", xdr.list(xdr.int, 1), [1, 2]],
  ])("does not encode %s", (_, codec, value) => {
    expect(() => encoded(codec, value as never)).toThrow(XdrError);
  });

  it.each<[string, xdr.Codec<unknown, never>, string]>([
    ["a string longer than the packet", xdr.string, "7fffffff"],
    ["a length that wraps around", xdr.string, "fffffffd 00000000"],
    ["a list longer than the packet", xdr.list(xdr.hyper, 1_000_000), "000f0000 00000000"],
    ["a list above its limit", xdr.list(xdr.int, 1), "00000002 00000000 00000000"],
    ["an optional that is neither", xdr.optional(xdr.int), "00000002 00000000"],
    ["typed parameters that do not fit", typedParameters(1000), "000003e8 00000000"],
    [
      "a typed parameter of no kind",
      typedParameters(9),
      "00000001 00000001 61000000 00000009 00000000",
    ],
  ])("does not decode %s", (_, codec, packet) => {
    expect(() => codec.decode(hex(packet))).toThrow(XdrError);
  });

  it("copies bytes out of the packet", () => {
    const packet = encoded(xdr.opaque(4), Uint8Array.of(1, 2));
    const decoded = xdr.opaque(4).decode(new Reader(packet));
    packet.fill(9);
    expect([...decoded]).toEqual([1, 2]);
  });
});

describe("typed parameters", () => {
  const all: readonly TypedParameter[] = [
    { field: "i", kind: "int", value: -1 },
    { field: "u", kind: "uint", value: 0xffff_ffff },
    { field: "l", kind: "llong", value: -(1n << 63n) },
    { field: "ul", kind: "ullong", value: (1n << 64n) - 1n },
    { field: "d", kind: "double", value: 0.5 },
    { field: "b", kind: "boolean", value: true },
    { field: "s", kind: "string", value: "é" },
    { field: "s", kind: "string", value: "two" },
  ];

  it("become a plain object with the right types, repeated ones a list", () => {
    const decoded = roundTrip(typedParameters(10), all);
    expect({ ...decoded }).toEqual({
      i: -1,
      u: 0xffff_ffff,
      l: -(1n << 63n),
      ul: (1n << 64n) - 1n,
      d: 0.5,
      b: true,
      s: ["é", "two"],
    });
  });

  it("may have any name without touching the prototype", () => {
    const names = ["__proto__", "constructor", "toString"];
    const decoded = roundTrip(
      typedParameters(10),
      names.map((field) => ({ field, kind: "string", value: "x" }) as const),
    );
    expect(Object.entries(decoded)).toEqual(names.map((name) => [name, "x"]));
    expect(Object.getPrototypeOf(decoded)).toBeNull();
  });

  it("are made from options by a spec, and back", () => {
    const spec = {
      disks: { field: "migrate_disks", kind: "string", many: true },
      speed: { field: "bandwidth", kind: "ullong" },
    } as const;
    const options = { disks: ["vda"], speed: 5n, flags: ["live"] };
    const parameters = toTypedParameters(spec, options);
    expect(parameters).toEqual([
      { field: "migrate_disks", kind: "string", value: "vda" },
      { field: "bandwidth", kind: "ullong", value: 5n },
    ]);
    const decoded = roundTrip(typedParameters(9), parameters);
    expect(fromTypedParameters(spec, decoded)).toEqual({ disks: ["vda"], speed: 5n });
  });
});
