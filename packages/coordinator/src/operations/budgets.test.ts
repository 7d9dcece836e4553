import { operationIdFrom, type OperationId } from "@muster/model";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Budgets, waitingText, type Need } from "./budgets.ts";

const limits = { host: 2, storage: 3, link: 1 };
const id = (number: number): OperationId => operationIdFrom(number);
const host = (name: string): Need => ({ kind: "host", name });
const link = (name: string): Need => ({ kind: "link", name });
const never = new AbortController().signal;

function setting() {
  const budgets = new Budgets(limits);
  const begun: number[] = [];
  const enter = (number: number, needs: readonly Need[], signal = never): void => {
    budgets.enter(id(number), needs, signal).then(
      () => begun.push(number),
      () => undefined,
    );
  };
  const settled = async (): Promise<readonly number[]> => {
    await new Promise((resolve) => setImmediate(resolve));
    return begun;
  };
  return { budgets, enter, settled };
}

describe("budgets", () => {
  it("let in what fits and queue the rest, first come, first served", async () => {
    const { budgets, enter, settled } = setting();
    for (const number of [1, 2, 3, 4]) enter(number, [host("h1")]);
    enter(5, [host("h2")]);
    expect(await settled()).toStrictEqual([1, 2, 5]);
    budgets.leave(id(2));
    expect(await settled()).toStrictEqual([1, 2, 5, 3]);
    budgets.leave(id(1));
    expect(await settled()).toStrictEqual([1, 2, 5, 3, 4]);
  });

  it("say what is waited for, and the place in the queue", async () => {
    const { budgets, enter, settled } = setting();
    for (const number of [1, 2, 3, 4]) enter(number, [host("h1")]);
    await settled();
    const waiting = budgets.waitingOf(id(4));
    expect(waiting).toStrictEqual({ need: host("h1"), limit: 2, place: 2 });
    expect(waiting === undefined ? "" : waitingText(waiting)).toBe("host h1 (2 at once)");
    expect(budgets.waitingOf(id(1))).toBeUndefined();
  });

  it("let nobody overtake one that waits for several things", async () => {
    const { budgets, enter, settled } = setting();
    enter(1, [link("h1 - h2")]);
    enter(2, [host("h1"), link("h1 - h2")]);
    enter(3, [host("h1")]);
    expect(await settled()).toStrictEqual([1]);
    budgets.leave(id(1));
    expect(await settled()).toStrictEqual([1, 2, 3]);
  });

  it("forget one that is cancelled while it waits", async () => {
    const { budgets, enter, settled } = setting();
    const cancel = new AbortController();
    enter(1, [link("a")]);
    enter(2, [link("a")], cancel.signal);
    enter(3, [link("a")]);
    await settled();
    cancel.abort(new Error("cancelled"));
    expect(budgets.waitingOf(id(3))?.place).toBe(1);
    budgets.leave(id(1));
    expect(await settled()).toStrictEqual([1, 3]);
  });

  it("let go on what was under way, even over the limit, and make the next wait", async () => {
    const { budgets, enter, settled } = setting();
    for (const number of [1, 2, 3]) budgets.hold(id(number), [host("h1")]);
    enter(4, [host("h1")]);
    budgets.leave(id(1));
    expect(await settled()).toStrictEqual([]);
    budgets.leave(id(2));
    expect(await settled()).toStrictEqual([4]);
  });

  it("are never exceeded and leave nobody waiting for ever", async () => {
    const need = fc.oneof(
      fc.constantFrom("h1", "h2").map(host),
      fc.constantFrom("a", "b").map(link),
    );
    const needs = fc.uniqueArray(need, { maxLength: 3, selector: ({ name }) => name });
    await fc.assert(
      fc.asyncProperty(fc.array(needs, { maxLength: 20 }), async (all) => {
        const { budgets, enter, settled } = setting();
        all.forEach((each, number) => {
          enter(number, each);
        });
        const done = new Set<number>();
        for (let round = 0; round <= all.length; round += 1) {
          const running = (await settled()).filter((number) => !done.has(number));
          for (const { kind, name } of all.flat()) {
            const users = running.filter((number) => all[number]?.some((n) => n.name === name));
            expect(users.length).toBeLessThanOrEqual(limits[kind]);
          }
          const [first] = running;
          if (first === undefined) break;
          done.add(first);
          budgets.leave(id(first));
        }
        expect(done.size).toBe(all.length);
        expect(budgets.waitingCount).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});
