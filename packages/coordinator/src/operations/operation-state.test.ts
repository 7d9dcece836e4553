import { commandIdOf, operationIdFrom, type OperationState, type StepState } from "@muster/model";
import { describe, expect, it } from "vitest";
import { anOperation, viewOf } from "../testing/builders.ts";
import { firstUnfinished, isWanted, lastToUndo, move } from "./operation-state.ts";

const steps = (...states: readonly StepState[]) =>
  anOperation(1, {
    state: "running",
    steps: states.map((state, index) => ({ name: `step-${String(index)}`, state, attempt: 1 })),
  });

describe("the steps of an operation", () => {
  it.each([
    [["waiting", "waiting"], 0, -1],
    [["running", "waiting"], 0, 0],
    [["done", "waiting"], 1, 0],
    [["done", "failed"], 1, 1],
    [["done", "done"], -1, 1],
    [["done", "undone"], 1, 0],
    [["undone", "undone"], 0, -1],
  ] as const)("%j: next %i, to undo %i", (states, next, toUndo) => {
    const operation = steps(...states);
    expect([firstUnfinished(operation), lastToUndo(operation)]).toStrictEqual([next, toUndo]);
  });

  it("never go back from an end", () => {
    for (const state of ["succeeded", "failed", "cancelled"] as const) {
      for (const to of ["queued", "running", "undoing", "succeeded"] as const) {
        expect(() => move(anOperation(1, { state }), to)).toThrow(`never go from ${state}`);
      }
    }
  });
});

describe("the result of a command", () => {
  const table: readonly (readonly [OperationState, StepState, string, number, boolean])[] = [
    ["running", "running", "move", 2, true],
    ["running", "running", "move-again", 2, true],
    ["running", "running", "moved", 2, false],
    ["running", "running", "move", 1, false],
    ["running", "done", "move", 2, false],
    ["undoing", "failed", "move", 2, true],
    ["undoing", "undone", "move", 2, false],
    ["failed", "failed", "move", 2, false],
    ["succeeded", "done", "move", 2, false],
  ];

  it.each(table)("in %s, step %s: %s/%i wanted %s", (state, step, name, attempt, wanted) => {
    const operation = anOperation(1, { state, steps: [{ name: "move", state: step, attempt: 2 }] });
    const commandId = commandIdOf(operation.id, name, attempt);
    expect(isWanted(commandId, viewOf(["operation", operation]))).toBe(wanted);
  });

  it("of an operation that is forgotten is not wanted", () => {
    expect(isWanted(commandIdOf(operationIdFrom(9), "move", 1), viewOf())).toBe(false);
  });
});
