/** When a host that undid a change is told to try it again. */
import type { HostNetworkObservation, NetworkAttempt, NetworkAttemptState } from "@muster/model";
import { SimulatedClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { hostIdOf } from "../testing/builders.ts";
import { NetworkAttempts, pauseAfter } from "./network-attempts.ts";

const host = hostIdOf(1);

const observed = (
  state: NetworkAttemptState,
  attempt: number,
  change: Partial<NetworkAttempt> = {},
): HostNetworkObservation => ({
  appliedRevision: "r1",
  uplinks: [],
  interfaces: [],
  attempts: [
    {
      revision: "r2",
      attempt,
      state,
      reason: "",
      before: [],
      after: [],
      startedAt: "",
      endedAt: "",
      ...change,
    },
  ],
});

function setting() {
  const clock = new SimulatedClock();
  const attempts = new NetworkAttempts(clock);
  const now = () => attempts.attemptOf(host, "r2");
  return {
    clock,
    attempts,
    now,
    dueAfter: async (ms: number) => {
      await clock.runFor(ms);
      return attempts.takeDue();
    },
  };
}

describe("NetworkAttempts", () => {
  it.each([
    [1, 30_000],
    [2, 60_000],
    [5, 480_000],
    [8, 3_600_000],
    [1_000, 3_600_000],
  ])("lets %i tries be followed by a pause of %i ms", (tries, pauseMs) => {
    expect(pauseAfter(tries)).toBe(pauseMs);
  });

  it.each(["rolled-back", "refused", "stuck"] as const)(
    "tries again after it was %s",
    async (state) => {
      const { attempts, dueAfter, now } = setting();
      attempts.reported(host, observed(state, 1), "r2");
      expect(await dueAfter(29_999)).toEqual([]);
      expect(now()).toBe(1);
      expect(await dueAfter(1)).toEqual([host]);
      expect(now()).toBe(2);
      expect(await dueAfter(3_600_000)).toEqual([]);
    },
  );

  it("counts the pause from the first report of a failure, not from each repetition", async () => {
    const { attempts, dueAfter } = setting();
    attempts.reported(host, observed("rolled-back", 1), "r2");
    await dueAfter(20_000);
    attempts.reported(host, observed("rolled-back", 1), "r2");
    expect(await dueAfter(10_000)).toEqual([host]);
    attempts.reported(host, observed("rolled-back", 1), "r2");
    expect(await dueAfter(60_000)).toEqual([]);
    attempts.reported(host, observed("rolled-back", 2), "r2");
    expect(await dueAfter(60_000)).toEqual([host]);
  });

  it("forgets what no longer counts: it stays, another is wanted, the host is gone", async () => {
    const { attempts, dueAfter, now } = setting();
    attempts.reported(host, observed("rolled-back", 3), "r2");
    attempts.reported(host, { ...observed("rolled-back", 3), appliedRevision: "r2" }, "r2");
    expect([await dueAfter(3_600_000), now()]).toEqual([[], 1]);
    attempts.reported(host, observed("rolled-back", 3), "r3");
    expect(await dueAfter(3_600_000)).toEqual([]);
    attempts.reported(host, observed("rolled-back", 3), "r2");
    attempts.forget(host);
    expect(await dueAfter(3_600_000)).toEqual([]);
  });
});
