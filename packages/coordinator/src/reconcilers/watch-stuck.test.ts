import { describe, expect, it } from "vitest";
import { anOperation } from "../testing/builders.ts";
import { STUCK_AFTER_MS } from "../operations/live-operations.ts";
import { planStuck } from "./watch-stuck.ts";

const steps = [
  { name: "prepare", state: "done", attempt: 1, host: "h2" },
  { name: "move", state: "running", attempt: 1, host: "h1" },
] as const;

describe("a stuck operation", () => {
  it("is named with its step and host once nothing has moved for long", () => {
    const operation = anOperation(1, { state: "running", steps });
    expect(planStuck([operation], () => STUCK_AFTER_MS - 1)).toStrictEqual([]);
    expect(planStuck([operation], () => STUCK_AFTER_MS)).toMatchObject([
      { step: "move", host: "h1", forMs: STUCK_AFTER_MS },
    ]);
  });

  it("that undoes is named with the step it undoes", () => {
    const undoing = [steps[0], { ...steps[1], state: "undone" }] as const;
    const operation = anOperation(1, { state: "undoing", steps: undoing });
    expect(planStuck([operation], () => STUCK_AFTER_MS)).toMatchObject([{ step: "prepare" }]);
  });

  it.each(["queued", "succeeded", "failed", "cancelled"] as const)(
    "is none that is %s",
    (state) => {
      expect(planStuck([anOperation(1, { state, steps })], () => 2 * STUCK_AFTER_MS)).toStrictEqual(
        [],
      );
    },
  );
});
