import { describe, expect, it } from "vitest";
import { parseDurationMs, renderAge, renderDuration } from "./duration.ts";

describe("parseDurationMs", () => {
  it.each([
    ["30s", 30_000],
    ["30", 30_000],
    ["500ms", 500],
    ["1.5h", 5_400_000],
    ["2 m", 120_000],
    ["11d", 950_400_000],
  ])("%s", (text, durationMs) => {
    expect(parseDurationMs(text, "--timeout")).toBe(durationMs);
  });

  it.each(["", "s", "-1s", "1y", "1s2", "0", "99999999d", "1e3s", "NaN"])("refuses %j", (text) => {
    expect(() => parseDurationMs(text, "--timeout")).toThrow(/^--timeout: /);
  });
});

describe("renderDuration", () => {
  it.each([
    [0, "0.0 s"],
    [440, "0.4 s"],
    [9_949, "9.9 s"],
    [9_960, "10 s"],
    [59_400, "59 s"],
    [59_600, "1 min"],
    [185_000, "3 min 5 s"],
    [7_800_000, "2 h 10 min"],
    [7_205_000, "2 h"],
    [356_400_000, "4 d 3 h"],
  ])("%i ms is %s", (durationMs, text) => {
    expect(renderDuration(durationMs)).toBe(text);
  });
});

describe("renderAge", () => {
  const now = new Date("2026-01-03T00:00:00Z");
  it.each([
    ["2026-01-02T23:59:57Z", "3 s"],
    ["2026-01-02T23:50:00Z", "10 min"],
    ["2026-01-01T02:00:00Z", "46 h"],
    ["2025-12-30T00:00:00Z", "4 d"],
    ["2026-01-03T00:00:05Z", "0 s"],
    ["", ""],
  ])("of %j is %j", (since, age) => {
    expect(renderAge(since, now)).toBe(age);
  });
});
