import { DEFAULT_POLICY, type KeptMove, type RebalancePolicy } from "@muster/model";
import { describe, expect, it } from "vitest";
import { hostIdOf, vmIdOf } from "../testing/builders.ts";
import type { PlanDraft } from "../plans/plan-draft.ts";
import { judgeLook, nextForOpen } from "./plan-rebalance.ts";

const policy = (change: Partial<RebalancePolicy> = {}): RebalancePolicy => ({
  ...DEFAULT_POLICY.rebalance,
  automation: "full",
  holdPasses: 2,
  gainMin: 0.2,
  ...change,
});

const move: KeptMove = {
  wave: 1,
  vmId: vmIdOf(1),
  vmName: "vm-1",
  fromId: hostIdOf(1),
  toId: hostIdOf(2),
  isHop: false,
  memoryMiB: 1024,
  volumesMiB: 0,
  seconds: 2,
  downtimeMs: 100,
  converges: true,
};

const draft = (scoreAfter: number, moves = [move]): PlanDraft => ({
  kind: "rebalance",
  about: "",
  hostIds: [],
  moves,
  seconds: 2,
  stuck: [],
  scoreBefore: 1,
  scoreAfter,
});

describe("a look at the hosts", () => {
  it.each([
    ["finds nothing", undefined, 5, "nothing", 0],
    ["finds no moves", draft(1, []), 5, "nothing", 0],
    ["finds too small a gain, and forgets the looks before", draft(0.81), 5, "nothing", 0],
    ["finds a plan for the first time", draft(0.5), 0, "nothing", 1],
    ["finds it again", draft(0.5), 1, "run", 2],
  ] as const)("%s", (_what, found, heldBefore, act, held) => {
    expect(judgeLook(policy(), { draft: found, heldBefore })).toMatchObject({ act, held });
  });

  it.each([
    ["off", "nothing"],
    ["shadow", "nothing"],
    ["manual", "propose"],
    ["partial", "propose"],
    ["full", "run"],
  ] as const)("when rebalancing is %s, ends in: %s", (automation, act) => {
    const verdict = judgeLook(policy({ automation }), { draft: draft(0.5), heldBefore: 3 });
    expect(verdict.act).toBe(act);
    expect(verdict.found).toMatch(/^1 moves, score 1\.0000 to 0\.5000/);
  });
});

describe("a plan that is open already", () => {
  it.each([
    ["manual", "proposed", "wait"],
    ["manual", "approved", "wait"],
    ["partial", "proposed", "wait"],
    ["partial", "approved", "run"],
    ["full", "proposed", "run"],
    ["full", "approved", "run"],
    ["full", "running", "wait"],
    ["shadow", "approved", "wait"],
  ] as const)("%s, %s: %s", (automation, state, next) => {
    expect(nextForOpen(policy({ automation }), { state })).toBe(next);
  });

  it("none: look", () => {
    expect(nextForOpen(policy(), undefined)).toBe("look");
  });
});
