/** The decisions of high availability, one table each. */
import { noHaPolicy, type HostRecord, type VmRecord } from "@muster/model";
import { describe, expect, it } from "vitest";
import { aHost, aVm, hostIdOf, onHost, seen, viewOf } from "../testing/builders.ts";
import type { HostObservation } from "../observations/observations.ts";
import { brakeOf } from "./brakes.ts";
import { withMargin } from "./ha-settings.ts";
import { hostState, watchdogActedAtMs } from "./liveness.ts";
import { mayStartElsewhere } from "./may-start-elsewhere.ts";
import { mayRestart, withRestart } from "./restart-budget.ts";
import { storageSign } from "./storage-signs.ts";

const guarded = { ...noHaPolicy, restart: "on-failure" as const };
const web = (change: Partial<VmRecord> = {}): VmRecord => {
  const vm = aVm(1, { placement: onHost(1), wanted: "running", ...change });
  return { ...vm, spec: { ...vm.spec, ha: guarded } };
};
const observed = (change: Partial<HostObservation>): HostObservation => ({
  connected: true,
  reported: true,
  heardAtMs: 0,
  libvirtAlive: true,
  sequence: 1n,
  agentVersion: "",
  knowsSeeds: true,
  migrationAddress: "",
  metricsAddress: "",
  vms: new Map(),
  networks: new Map(),
  ...change,
});
const off = (how: "watchdog" | "power" | "person"): HostRecord =>
  aHost(1, { off: { how, by: "somebody", at: "2026-01-01T00:00:00Z" } });

describe("may a VM be started elsewhere? (S1)", () => {
  const ask = (host: HostRecord | undefined, vm: VmRecord, seenThere?: HostObservation): boolean =>
    mayStartElsewhere(
      vm,
      host === undefined ? viewOf(["vm", vm]) : viewOf(["host", host], ["vm", vm]),
      seenThere,
    ).ok;
  const runs = observed({ vms: new Map([[web().id, seen(1)]]) });
  const stopped = observed({ vms: new Map([[web().id, seen(1, { state: "stopped" })]]) });
  const leaving = observed({
    vms: new Map([[web().id, seen(1, { state: "stopped", migrating: true })]]),
  });

  it.each<[string, boolean, boolean]>([
    ["its host is silent and nothing is known", ask(aHost(1), web()), false],
    ["its host says that it runs", ask(aHost(1), web(), runs), false],
    [
      "its host says that it runs, whatever was proven before",
      ask(off("power"), web(), runs),
      false,
    ],
    [
      "its host has not reported yet",
      ask(off("power"), web(), observed({ reported: false })),
      false,
    ],
    ["its host says that it is stopped", ask(aHost(1), web(), stopped), true],
    ["it is on its way", ask(aHost(1), web(), leaving), false],
    ["a move of it is not over", ask(off("power"), web({ target: onHost(2) })), false],
    ["its host was removed", ask(undefined, web()), false],
    ["its host's power is off", ask(off("power"), web()), true],
    ["a person says that it is off", ask(off("person"), web()), true],
    ["the watchdog has acted, and guards it", ask(off("watchdog"), web()), true],
  ])("%s", (_case, answer, expected) => {
    expect(answer).toBe(expected);
  });

  it("not after a watchdog that does not guard it", () => {
    const vm = web();
    const free = { ...vm, spec: { ...vm.spec, ha: { ...guarded, isolation: "run" as const } } };
    expect(ask(off("watchdog"), free)).toBe(false);
  });
});

describe("the state of a host", () => {
  const signs = { connected: false, reported: false, connectedBefore: true, silentMs: 0 };
  it.each([
    [{ connected: true, reported: true }, "online"],
    [{ connected: true, silentMs: 60_000 }, "unknown"],
    [{ silentMs: 29_999 }, "unknown"],
    [{ silentMs: 30_000 }, "lost"],
    [{ connectedBefore: false, silentMs: 99_000 }, "joining"],
  ] as const)("%j is %s", (change, state) => {
    expect(hostState({ ...signs, ...change }, 30_000)).toBe(state);
  });
});

describe("the watchdog's proof", () => {
  it("needs the lease, the watchdog twice, and a margin", () => {
    const watchdog = { timeoutMs: 10_000, leaseMs: 30_000 };
    expect(watchdogActedAtMs({ watchdog }, 1_000)).toBe(1_000 + withMargin(50_000));
    expect(watchdogActedAtMs({}, 1_000)).toBeUndefined();
  });
});

describe("the brake", () => {
  const hosts = [1, 2, 3, 4, 5].map((number) => aHost(number));
  const braked = (missing: readonly number[], known: readonly number[] = []): boolean =>
    brakeOf({
      hosts: hosts.map((host, index) =>
        known.includes(index + 1)
          ? { ...host, off: { how: "person", by: "", at: "" } as const }
          : host,
      ),
      stateOf: (host) =>
        missing.some((number) => hostIdOf(number) === host.id) ? "lost" : "online",
    }) !== undefined;
  it.each<[readonly number[], readonly number[], boolean]>([
    [[], [], false],
    [[1, 2], [], false],
    [[1, 2, 3], [], true],
    [[1, 2, 3], [1], false],
    [[1, 2, 3, 4, 5], [], true],
  ])("%j missing, %j known to be off", (missing, known, expected) => {
    expect(braked(missing, known)).toBe(expected);
  });
});

describe("restarts", () => {
  it("come later each time, and end; a clock set back does not make anybody wait", () => {
    let vm = web();
    expect(mayRestart(vm, guarded, 0).kind).toBe("now");
    vm = { ...vm, recovery: withRestart(vm, guarded, 0) };
    expect(mayRestart(vm, guarded, 4_000)).toStrictEqual({ kind: "later", inMs: 6_000 });
    vm = { ...vm, recovery: withRestart(vm, guarded, 10_000) };
    expect(mayRestart(vm, guarded, 29_000)).toStrictEqual({ kind: "later", inMs: 1_000 });
    vm = { ...vm, recovery: withRestart(vm, guarded, 30_000) };
    expect(mayRestart(vm, guarded, 90_000).kind).toBe("never");
    expect(mayRestart(vm, guarded, 3_700_000).kind).toBe("now");
    const future = { ...vm, recovery: { restartsMs: [9e12] } };
    expect(mayRestart(future, guarded, 1_000)).toStrictEqual({ kind: "later", inMs: 10_000 });
  });
});

describe("signs on shared storage", () => {
  it.each([
    [["shared: still", "other: moving"], "moving"],
    [["shared: still", "other: missing"], "still"],
    [["shared: missing"], "unknown"],
    [[], "unknown"],
  ] as const)("%j is %s", (findings, sign) => {
    expect(storageSign(findings)).toBe(sign);
  });
});
