import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sameData } from "./same-data.ts";

const anyData = fc.jsonValue({ maxDepth: 3 });

describe("the same data", () => {
  it("is what JSON cannot tell apart, in any order of names", () => {
    fc.assert(
      fc.property(anyData, anyData, (left, right) => {
        expect(sameData(left, structuredClone(left))).toBe(true);
        expect(sameData(left, right)).toBe(sameData(right, left));
        if (sameData(left, right)) expect(right).toEqual(left);
      }),
    );
    expect(sameData({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
  });

  it.each([
    ["a missing field", { a: 1 }, {}],
    ["another field", { a: undefined }, { b: undefined }],
    ["a longer list", [1], [1, 2]],
    ["a list and a record", [], {}],
    ["nothing and a record", null, {}],
    ["a number and a bigint", 1, 1n],
    ["bigints", { a: 1n }, { a: 2n }],
  ])("is not %s", (_what, left, right) => {
    expect(sameData(left, right)).toBe(false);
    expect(sameData(right, left)).toBe(false);
  });
});
