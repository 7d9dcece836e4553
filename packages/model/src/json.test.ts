import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromJson, toJson } from "./json.ts";

const { anything } = fc.letrec((tie) => ({
  anything: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.bigInt(),
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("anything"), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), tie("anything"), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
}));

describe("stored JSON", () => {
  it("gives back what was written, bigints wherever they are", () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(fromJson(toJson(value))).toStrictEqual(value);
      }),
    );
  });

  it("refuses what is not JSON", () => {
    expect(() => fromJson("{not json")).toThrow(SyntaxError);
  });
});
