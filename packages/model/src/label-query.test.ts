import { describe, expect, it } from "vitest";
import { isChosen, renderHostChoice } from "./host-choice.ts";
import { matchesLabels, parseLabelQuery, renderLabelQuery } from "./label-query.ts";

const labels = { rack: "7", disk: "ssd", gpu: "a100" };

describe("label queries", () => {
  it.each([
    ["rack=7", true],
    ["rack=7,disk=ssd", true],
    ["rack=8", false],
    ["rack!=8", true],
    ["zone!=a", true],
    ["gpu", true],
    ["!gpu", false],
    ["!old", true],
    ["rack=7,!gpu", false],
    ["constructor", false],
  ])("%s", (text, answer) => {
    const terms = parseLabelQuery(text, "hosts");
    expect(matchesLabels(terms, labels)).toBe(answer);
    expect(renderLabelQuery(terms)).toBe(text);
  });

  it.each(["", "rack=", "=7", "a,,b", "rack/7", "rack=a b", "!"])("%j is refused", (text) => {
    expect(() => parseLabelQuery(text, "hosts")).toThrow(/^hosts: ./);
  });
});

describe("choices of hosts", () => {
  const host = { name: "h1", traits: { pool: "gpu", labels } };
  it.each([
    [{ kind: "all" }, true, "all hosts"],
    [{ kind: "named", names: ["h2", "h1"] }, true, "h2, h1"],
    [{ kind: "named", names: ["h2"] }, false, "h2"],
    [{ kind: "pool", pool: "gpu" }, true, "pool gpu"],
    [{ kind: "pool", pool: "cpu" }, false, "pool cpu"],
    [{ kind: "labels", terms: parseLabelQuery("rack=7", "") }, true, "rack=7"],
    [{ kind: "labels", terms: parseLabelQuery("rack=8", "") }, false, "rack=8"],
  ] as const)("%j", (choice, answer, text) => {
    expect(isChosen(choice, host)).toBe(answer);
    expect(renderHostChoice(choice)).toBe(text);
  });

  it("a host without labels or pool is not chosen by them", () => {
    const bare = { name: "h1" };
    expect(isChosen({ kind: "pool", pool: "gpu" }, bare)).toBe(false);
    expect(isChosen({ kind: "labels", terms: parseLabelQuery("rack", "") }, bare)).toBe(false);
  });
});
