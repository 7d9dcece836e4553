import { randomBytes, randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { textAt, uuidAt } from "./known-texts.ts";

const view = (bytes: Buffer) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

describe("texts that were seen before", () => {
  it("are what their bytes say, whatever was read in between", () => {
    // Few letters make many texts of one length, and many that fall on the same place.
    const letters = fc.constantFrom("a", "b", "A", "0", "-", "é", "\u{1f600}", "\0");
    const texts = fc.array(fc.string({ unit: letters, maxLength: 12 }), { maxLength: 40 });
    fc.assert(
      fc.property(texts, (all) => {
        for (const text of [...all, ...all]) {
          const bytes = Buffer.from(`..${text}..`);
          expect(textAt(bytes, 2, bytes.length - 4)).toBe(text);
        }
      }),
    );
  });

  it("bear bytes that are no UTF-8", () => {
    for (let round = 0; round < 2_000; round++) {
      const bytes = randomBytes(round % 5);
      const expected = bytes.toString("utf8");
      expect(textAt(bytes, 0, bytes.length)).toBe(expected);
      expect(textAt(bytes, 0, bytes.length)).toBe(expected);
    }
  });

  it("bear more names and UUIDs than there are places", () => {
    const uuids = Array.from({ length: 10_000 }, () => randomUUID() as string);
    for (const uuid of [...uuids, ...uuids]) {
      const bytes = Buffer.from(uuid.replaceAll("-", ""), "hex");
      expect(uuidAt(bytes, view(bytes), 0)).toBe(uuid);
      const name = Buffer.from(uuid);
      expect(textAt(name, 0, name.length)).toBe(uuid);
    }
  });
});
