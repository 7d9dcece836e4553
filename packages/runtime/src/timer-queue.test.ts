/** The queue gives what a sorted list would give, whatever is added, taken and cancelled. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TimerQueue, type Timer } from "./timer-queue.ts";

const nothing = (): void => undefined;

const sorted = (timers: readonly Timer[]): readonly Timer[] =>
  timers.toSorted((one, other) => one.atMs - other.atMs || one.order - other.order);

describe("a queue of timers", () => {
  it("gives the earliest that is not cancelled, the older of two of one moment first", () => {
    const deed = fc.oneof(
      { weight: 4, arbitrary: fc.record({ add: fc.integer({ min: 0, max: 20 }) }) },
      { weight: 2, arbitrary: fc.record({ takeUntil: fc.integer({ min: 0, max: 20 }) }) },
      { weight: 3, arbitrary: fc.record({ cancel: fc.nat() }) },
    );
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 300 }), (deeds) => {
        const queue = new TimerQueue();
        let expected: readonly Timer[] = [];
        for (const it of deeds) {
          if ("add" in it) expected = sorted([...expected, queue.add(it.add, nothing)]);
          else if ("takeUntil" in it) {
            const [first, ...others] = expected;
            const wanted = first !== undefined && first.atMs <= it.takeUntil ? first : undefined;
            expect(queue.takeUntil(it.takeUntil)).toBe(wanted);
            if (wanted !== undefined) expected = others;
          } else {
            const timer = expected[it.cancel % Math.max(1, expected.length)];
            if (timer === undefined) continue;
            queue.cancel(timer);
            expected = expected.filter((other) => other !== timer);
          }
          expect(queue.size).toBe(expected.length);
        }
      }),
    );
  });

  it("drops cancelled timers without waiting for their time", () => {
    const queue = new TimerQueue();
    for (let round = 0; round < 10_000; round += 1) queue.cancel(queue.add(1e9, nothing));
    const last = queue.add(1, nothing);
    expect(queue.size).toBe(1);
    expect(queue.takeUntil(1)).toBe(last);
  });
});
