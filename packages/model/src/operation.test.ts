import { describe, expect, it } from "vitest";
import { canMoveOperation, isEnded, operationMoves, type OperationState } from "./operation.ts";

const states = Object.keys(operationMoves) as OperationState[];

describe("operations", () => {
  it("end in exactly three states", () => {
    expect(states.filter(isEnded)).toStrictEqual(["succeeded", "failed", "cancelled"]);
  });

  it("never leave an end and never go back", () => {
    for (const from of states) {
      expect(canMoveOperation(from, from)).toBe(false);
      expect(canMoveOperation(from, "queued")).toBe(false);
      if (isEnded(from)) expect(states.some((to) => canMoveOperation(from, to))).toBe(false);
    }
  });

  it("reach an end from everywhere", () => {
    const reaches = (from: OperationState): boolean =>
      isEnded(from) || operationMoves[from].some((to) => reaches(to));
    expect(states.filter((state) => !reaches(state))).toStrictEqual([]);
  });

  it("cannot succeed once they are being undone", () => {
    expect(canMoveOperation("undoing", "succeeded")).toBe(false);
  });
});
