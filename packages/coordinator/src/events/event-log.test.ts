import { SimulatedClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { EventLog } from "./event-log.ts";

const anEvent = (number: number) => ({
  kind: "test",
  subject: `vm/${String(number)}`,
  message: "happened",
});

function logWith(count: number): EventLog {
  const log = new EventLog(new SimulatedClock());
  for (let number = 1; number <= count; number += 1) log.record(anEvent(number));
  return log;
}

describe("the event log", () => {
  it("numbers events and gives the last ones", () => {
    expect(
      logWith(5)
        .recent(2)
        .map(({ sequence, subject }) => [sequence, subject]),
    ).toStrictEqual([
      [4, "vm/4"],
      [5, "vm/5"],
    ]);
    expect(logWith(5).recent(0)).toStrictEqual([]);
  });

  it("forgets the oldest, and never keeps more than twice what it promises", () => {
    const log = logWith(25_000);
    const kept = log.recent(1_000_000);
    expect(kept.length).toBeGreaterThanOrEqual(10_000);
    expect(kept.length).toBeLessThanOrEqual(20_000);
    expect(kept.at(-1)?.sequence).toBe(25_000);
    expect(log.recent(1)[0]?.subject).toBe("vm/25000");
  });

  it("gives a follower the recent ones, then what comes, each once", async () => {
    const log = logWith(3);
    const stop = new AbortController();
    const heard: number[] = [];
    const following = (async () => {
      for await (const { sequence } of log.follow(2, stop.signal)) heard.push(sequence);
    })();
    log.record(anEvent(4));
    log.record(anEvent(5));
    stop.abort();
    await following;
    log.record(anEvent(6));
    expect(heard).toStrictEqual([2, 3, 4, 5]);
  });

  it("cuts off a follower that does not read, and goes on for the others", async () => {
    const log = logWith(0);
    const signal = new AbortController().signal;
    const stuck = log.follow(0, signal);
    for (let number = 1; number <= 5_100; number += 1) log.record(anEvent(number));
    const read = async (): Promise<void> => {
      for await (const _event of stuck);
    };
    await expect(read()).rejects.toMatchObject({ code: "limit-exceeded" });
    expect(log.recent(1)[0]?.sequence).toBe(5_100);
  });

  it("ends at once for a follower who has already left", async () => {
    const heard: unknown[] = [];
    for await (const event of logWith(1).follow(0, AbortSignal.abort())) heard.push(event);
    expect(heard).toStrictEqual([]);
  });
});
