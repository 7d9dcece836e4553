import { describe, expect, it } from "vitest";
import type { HostObservation } from "../observations/observations.ts";
import { aHostObservation, seen, vmIdOf } from "../testing/builders.ts";
import { whereabouts, type Whereabouts } from "./whereabouts.ts";

const witnesses = {
  runs: aHostObservation([seen(1)]),
  paused: aHostObservation([seen(1, { state: "paused" })]),
  moving: aHostObservation([seen(1, { migrating: true })]),
  stopped: aHostObservation([seen(1, { state: "stopped", reason: "migrated" })]),
  crashed: aHostObservation([seen(1, { state: "crashed" })]),
  nothing: aHostObservation([]),
  silent: aHostObservation([seen(1)], { connected: false }),
  new: aHostObservation([seen(1)], { reported: false }),
  never: undefined,
} satisfies Record<string, HostObservation | undefined>;

type Witness = keyof typeof witnesses;

describe("where a VM is in the middle of a migration", () => {
  const table: readonly (readonly [Witness, Witness, Whereabouts])[] = [
    ["runs", "nothing", "at-source"],
    ["runs", "paused", "at-source"],
    ["runs", "silent", "at-source"],
    ["paused", "nothing", "at-source"],
    ["moving", "moving", "moving"],
    ["moving", "nothing", "moving"],
    ["moving", "silent", "moving"],
    ["stopped", "runs", "at-target"],
    ["stopped", "paused", "at-target"],
    ["nothing", "runs", "at-target"],
    ["nothing", "moving", "at-target"],
    ["nothing", "stopped", "at-target"],
    ["crashed", "nothing", "at-source"],
    ["stopped", "stopped", "at-source"],
    ["stopped", "nothing", "at-source"],
    ["nothing", "nothing", "nowhere"],
    ["stopped", "silent", "uncertain"],
    ["nothing", "silent", "uncertain"],
    ["nothing", "never", "uncertain"],
    ["silent", "runs", "uncertain"],
    ["silent", "nothing", "uncertain"],
    ["new", "runs", "uncertain"],
    ["never", "never", "uncertain"],
  ];

  it.each(table)("source %s, target %s: %s", (source, target, expected) => {
    const hosts = { source: witnesses[source], target: witnesses[target], vmId: vmIdOf(1) };
    expect(whereabouts(hosts)).toBe(expected);
  });

  it("is never told from a host that is not heard", () => {
    for (const source of ["silent", "new", "never"] as const) {
      for (const target of Object.values(witnesses)) {
        const answer = whereabouts({ source: witnesses[source], target, vmId: vmIdOf(1) });
        expect(answer).toBe("uncertain");
      }
    }
  });
});
