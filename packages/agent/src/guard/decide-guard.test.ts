import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { vmIdOf } from "../testing/agent-setting.ts";
import { decideGuard, guardPeriodMs } from "./decide-guard.ts";

const web = vmIdOf(1);

describe("the guard's decision", () => {
  it.each([
    ["feeds while the lease is valid", { nowMs: 5_000, active: [web] }, { feed: true, stop: [] }],
    [
      "feeds what libvirt is silent about while the lease is valid",
      { nowMs: 5_000, active: undefined },
      { feed: true, stop: [] },
    ],
    [
      "stops VMs a second before the lease ends",
      { nowMs: 9_000, active: [web] },
      { feed: false, stop: [web] },
    ],
    [
      "does not feed when libvirt does not say what runs",
      { nowMs: 9_000, active: undefined },
      { feed: false, stop: [] },
    ],
    [
      "feeds a host without a guarded VM for ever",
      { nowMs: 99_000, active: [] },
      { feed: true, stop: [] },
    ],
  ] as const)("%s", (_name, facts, expected) => {
    expect(decideGuard({ leaseEndsMs: 10_000, ...facts })).toStrictEqual(expected);
  });

  it("never feeds for a guarded VM without a lease", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100_000 }),
        fc.integer({ min: -100_000, max: 100_000 }),
        fc.option(fc.array(fc.constant(web), { maxLength: 2 }), { nil: undefined }),
        (nowMs, leaseEndsMs, active) => {
          const { feed } = decideGuard({ nowMs, leaseEndsMs, active });
          const mayRun = active === undefined || active.length > 0;
          return !(feed && mayRun && nowMs >= leaseEndsMs);
        },
      ),
    );
  });

  it("decides often enough that one slow pass does not reset the host", () => {
    expect([guardPeriodMs(5_000), guardPeriodMs(10_000), guardPeriodMs(60_000)]).toStrictEqual([
      1_000, 2_000, 2_000,
    ]);
  });
});
