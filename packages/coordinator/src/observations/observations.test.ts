import type { VmObservation } from "@muster/model";
import { SimulatedClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import {
  aHello,
  aHost,
  aReport,
  hostIdOf,
  readyNetwork,
  report,
  seen,
  vmIdOf,
} from "../testing/builders.ts";
import { Observations } from "./observations.ts";

const h1 = hostIdOf(1);
const load = { load1m: 0, memoryAvailableBytes: 0n, cpuUsedRatio: 0 };

function setting() {
  const clock = new SimulatedClock();
  const observations = new Observations(clock);
  const heard: string[] = [];
  const shown = (vm: VmObservation | undefined): string => vm?.state ?? "absent";
  observations.listen({
    vmChanged: ({ before, after }) => heard.push(`vm ${shown(before)} → ${shown(after)}`),
    hostChanged: () => heard.push("host"),
  });
  const delta = (
    sequence: bigint,
    vms: readonly VmObservation[],
    removed: readonly number[] = [],
  ) =>
    observations.deltaReport(h1, {
      kind: "delta-report",
      sequence,
      vms,
      removedVms: removed.map(vmIdOf),
      networks: [],
    });
  return { clock, observations, heard, delta };
}

describe("what hosts say", () => {
  it("counts from the full report of this session on", () => {
    const { observations, delta } = setting();
    expect(delta(1n, [])).toBe(false);
    observations.sessionOpened(h1, aHello);
    expect(observations.stateOf(aHost(1))).toBe("unknown");
    expect(delta(1n, [seen(1)])).toBe(false);
    observations.fullReport(h1, aReport([]));
    expect(observations.stateOf(aHost(1))).toBe("online");
    expect(delta(2n, [seen(1)])).toBe(true);
    observations.sessionClosed(h1);
    expect(observations.stateOf(aHost(1))).toBe("unknown");
    expect(observations.stateOf(aHost(2, { connectedBefore: false }))).toBe("joining");
  });

  it("notices a report that was lost", () => {
    const { observations, delta } = setting();
    report(observations, 1, []);
    expect([
      delta(3n, []),
      delta(1n, []),
      delta(2n, []),
      delta(2n, []),
      delta(3n, []),
    ]).toStrictEqual([false, false, true, false, true]);
  });

  it("tells of changes that people see, once each", () => {
    const { observations, heard, delta } = setting();
    report(observations, 1, [seen(1), seen(2)]);
    heard.length = 0;
    delta(2n, [seen(1)]);
    delta(3n, [seen(1, { state: "paused" })]);
    delta(4n, [], [2]);
    observations.fullReport(h1, aReport([seen(1, { state: "paused" })], { sequence: 5n }));
    expect(heard).toStrictEqual(["vm running → paused", "vm running → absent"]);
  });

  it("forgets in a full report what is not in it", () => {
    const { observations, heard } = setting();
    report(observations, 1, [seen(1)]);
    heard.length = 0;
    observations.fullReport(h1, aReport([], { sequence: 2n }));
    expect(heard).toStrictEqual(["vm running → absent"]);
    expect(observations.get(h1)?.vms.size).toBe(0);
  });

  it("keeps the last sample of use until the VM stops", () => {
    const { observations, delta } = setting();
    const usage = {
      cpuTimeNs: 1n,
      residentBytes: 0n,
      diskReadBytes: 0n,
      diskWriteBytes: 0n,
      diskReadRequests: 0n,
      diskWriteRequests: 0n,
      networkReceiveBytes: 0n,
      networkTransmitBytes: 0n,
    };
    report(observations, 1, [seen(1, { usage })]);
    delta(2n, [seen(1, { state: "paused" })]);
    expect(observations.get(h1)?.vms.get(vmIdOf(1))?.usage).toStrictEqual(usage);
    delta(3n, [seen(1, { state: "stopped" })]);
    expect(observations.get(h1)?.vms.get(vmIdOf(1))?.usage).toBeUndefined();
  });

  it("tells of networks that came or broke", () => {
    const { observations, heard } = setting();
    report(observations, 1, [], { networks: [readyNetwork("blue")] });
    heard.length = 0;
    const networks = [{ ...readyNetwork("blue"), state: "failed" as const }];
    observations.deltaReport(h1, {
      kind: "delta-report",
      sequence: 2n,
      vms: [],
      removedVms: [],
      networks,
      load,
    });
    expect(heard).toStrictEqual(["host"]);
  });

  it("says how stale it is", async () => {
    const { clock, observations } = setting();
    expect(observations.silentMs(h1)).toBeUndefined();
    report(observations, 1, []);
    await clock.runFor(5_000);
    expect(observations.silentMs(h1)).toBe(0);
    observations.sessionClosed(h1);
    expect(observations.silentMs(h1)).toBe(5_000);
    await clock.runFor(2_000);
    expect(observations.silentMs(h1)).toBe(7_000);
    observations.forget(h1);
    expect(observations.get(h1)).toBeUndefined();
  });
});
