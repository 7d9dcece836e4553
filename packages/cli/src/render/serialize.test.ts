import { describe, expect, it } from "vitest";
import { renderJson, renderJsonLine, renderYaml } from "./serialize.ts";

const value = {
  memoryBytes: 536_870_912n,
  huge: 2n ** 53n,
  low: -(2n ** 60n),
  none: undefined,
  list: [1n, { inner: null }],
};

describe("json and yaml", () => {
  it("writes bigints as numbers while they are exact, else as strings", () => {
    expect(JSON.parse(renderJson(value))).toEqual({
      memoryBytes: 536_870_912,
      huge: "9007199254740992",
      low: "-1152921504606846976",
      list: [1, { inner: null }],
    });
  });

  it("writes one line when asked", () => {
    expect(renderJsonLine({ count: 9_007_199_254_740_991n })).toBe('{"count":9007199254740991}\n');
  });

  it("writes YAML without anchors", () => {
    const shared = { network: "blue" };
    expect(renderYaml({ nics: [shared, shared] })).toBe(
      "nics:\n  - network: blue\n  - network: blue\n",
    );
  });
});
