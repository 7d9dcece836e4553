/** Numbers, texts and names within what the wire accepts. */
import * as fc from "fast-check";
import { parseHostId, type HostId } from "../ids.ts";

/** Like fc.record, with ordinary objects, so that they compare equal to decoded ones. */
export const plainRecord = <Model>(model: {
  [Key in keyof Model]: fc.Arbitrary<Model[Key]>;
}): fc.Arbitrary<Model> => fc.record<Model>(model, { noNullPrototype: true });

export const anyUint32: fc.Arbitrary<number> = fc.oneof(
  fc.nat({ max: 100 }),
  fc.nat({ max: 4_294_967_295 }),
);
/** A number that may not be 0: generations, protocol versions. */
export const anyPositiveUint32: fc.Arbitrary<number> = fc.integer({ min: 1, max: 4_294_967_295 });
export const anyUint64: fc.Arbitrary<bigint> = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
export const anyText: fc.Arbitrary<string> = fc.string({ unit: "grapheme", maxLength: 40 });
/** A line without control characters that is not empty. */
export const anyLine: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom(..."abcXYZ019 .:/=äß漢-"),
  minLength: 1,
  maxLength: 40,
});

export const anyName: fc.Arbitrary<string> = fc.stringMatching(
  /^[a-z0-9]([a-z0-9.-]{0,12}[a-z0-9])?$/,
);
/** Unicast: the lowest bit of the first octet is clear. */
export const anyMac: fc.Arbitrary<string> = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((octets) =>
    [...octets]
      .map((octet, index) => (index === 0 ? octet & 0xfe : octet).toString(16).padStart(2, "0"))
      .join(":"),
  );

/** A record without the keys that are undefined, as `exactOptionalPropertyTypes` wants it. */
export const optional = <Key extends string, Value>(
  key: Key,
  value: fc.Arbitrary<Value>,
): fc.Arbitrary<Partial<Record<Key, Value>>> =>
  fc.option(value, { nil: undefined }).map((chosen): Partial<Record<Key, Value>> => {
    const record: Partial<Record<Key, Value>> = {};
    if (chosen !== undefined) record[key] = chosen;
    return record;
  });

export const anyHostId: fc.Arbitrary<HostId> = fc.uuid().map(parseHostId);
