import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GIB, KIB, MIB, parseSize, renderSize, TIB } from "./sizes.ts";

describe("parseSize", () => {
  it.each([
    ["0", 0n],
    ["1048576", MIB],
    ["512M", 512n * MIB],
    ["512 MiB", 512n * MIB],
    ["512mb", 512n * MIB],
    ["1.5GiB", 1536n * MIB],
    ["2g", 2n * GIB],
    ["0.001k", 1n],
    ["3T", 3n * TIB],
    [" 4K ", 4n * KIB],
  ])("%s", (text, bytes) => {
    expect(parseSize(text, "memory")).toBe(bytes);
  });

  it.each(["", "-1", "M", "1X", "1.G", "1e9", "0x10", "1 000", "1,5G", "9".repeat(40)])(
    "%j is refused",
    (text) => {
      expect(() => parseSize(text, "memory")).toThrow(/^memory: .*is not a size$/);
    },
  );
});

describe("renderSize", () => {
  it.each([
    [0n, "0 B"],
    [1023n, "1023 B"],
    [KIB, "1 KiB"],
    [1536n * MIB, "1.5 GiB"],
    [-MIB, "-1 MiB"],
    [-1536n * MIB, "-1.5 GiB"],
    [2048n * TIB, "2048 TiB"],
  ])("%d is %s", (bytes, text) => {
    expect(renderSize(bytes)).toBe(text);
  });

  it("of a whole number of units is parsed back", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 1023n }),
        fc.constantFrom(KIB, MIB, GIB, TIB),
        (count, unit) => {
          expect(parseSize(renderSize(count * unit), "x")).toBe(count * unit);
        },
      ),
    );
  });
});
