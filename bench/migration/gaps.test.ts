import { describe, expect, it } from "vitest";
import { answersOf, longestGapMs, quantile } from "./gaps.ts";

describe("black-outs out of answers", () => {
  const text = [
    "[100.000] 64 bytes from 10.10.0.1: icmp_seq=1 ttl=64 time=0.5 ms",
    "[100.010] no answer yet for icmp_seq=2",
    "[100.250] 64 bytes from 10.10.0.1: icmp_seq=50 ttl=64 time=0.5 ms",
    "[101.000] 64 bytes from 10.10.0.1: icmp_seq=60 ttl=64 time=0.5 ms",
  ].join("\n");

  it("are the longest time without one", () => {
    expect(answersOf(text)).toEqual([100, 100.25, 101]);
    expect(longestGapMs(answersOf(text), 100.1, 100.5)).toBeCloseTo(750);
    expect(longestGapMs(answersOf(text), 100.1, 100.2)).toBeCloseTo(250);
  });

  it("are shown by what most are below", () => {
    const values = Array.from({ length: 20 }, (_, index) => index + 1);
    expect([quantile(values, 0.5), quantile(values, 0.95)]).toEqual([10, 19]);
  });
});
