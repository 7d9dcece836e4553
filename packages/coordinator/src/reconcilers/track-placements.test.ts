import { operationIdFrom } from "@muster/model";
import { describe, expect, it } from "vitest";
import {
  aHost,
  aHostObservation,
  aVm,
  hostIdOf,
  onHost,
  seen,
  viewOf,
} from "../testing/builders.ts";
import { mayHaveMoved, planRelocations } from "./track-placements.ts";

const stopped = { state: "stopped" } as const;
const here = {
  nothing: aHostObservation([]),
  runs: aHostObservation([seen(1)]),
  moving: aHostObservation([seen(1, { migrating: true })]),
  stopped: aHostObservation([seen(1, stopped)]),
  "runs, newer": aHostObservation([seen(1, { generation: 5 })]),
  "runs, wild": aHostObservation([seen(1, { managed: false })]),
  "runs, not heard": aHostObservation([seen(1)], { connected: false }),
  "runs, before its report": aHostObservation([seen(1)], { reported: false }),
};
type Sight = keyof typeof here;

describe("a VM that is not where the ledger has it", () => {
  const plan = (own: Sight, other: Sight, third: Sight = "nothing", vm = aVm(1)) => {
    const hosts = [1, 2, 3].map((number) => ["host", aHost(number)] as const);
    const view = viewOf(...hosts, ["vm", { ...vm, placement: onHost(1) }]);
    const observed = new Map(
      [own, other, third].map((sight, index) => [hostIdOf(index + 1), here[sight]]),
    );
    return planRelocations(view, observed).map(({ from, placement }) => ({ from, placement }));
  };

  it.each([
    ["nothing", "runs", 1],
    ["stopped", "runs", 1],
    ["nothing", "stopped", 1],
    ["nothing", "runs, newer", 5],
  ] as const)("here %s, there %s: the ledger follows, generation %i", (own, other, generation) => {
    expect(plan(own, other)).toStrictEqual([
      { from: hostIdOf(1), placement: onHost(2, generation) },
    ]);
  });

  it.each([
    ["runs", "runs"],
    ["moving", "runs"],
    ["stopped", "stopped"],
    ["stopped", "nothing"],
    ["nothing", "nothing"],
    ["nothing", "moving"],
    ["nothing", "runs, wild"],
    ["nothing", "runs, not heard"],
    ["nothing", "runs, before its report"],
    ["runs, not heard", "runs"],
    ["runs, before its report", "runs"],
  ] as const)("here %s, there %s: it stays", (own, other) => {
    expect(plan(own, other)).toStrictEqual([]);
  });

  it("stays when two others have it: which one is right is for people", () => {
    expect(plan("nothing", "runs", "runs")).toStrictEqual([]);
  });

  it("is left to the operation that works on it", () => {
    const held = aVm(1, { operationId: operationIdFrom(1) });
    expect(plan("nothing", "runs", "nothing", held)).toStrictEqual([]);
  });
});

describe("a change of one VM", () => {
  const runs = seen(1);
  it.each([
    ["it came", undefined, runs, true],
    ["it went", runs, undefined, true],
    ["it stopped", runs, seen(1, stopped), true],
    ["it began to move", runs, seen(1, { migrating: true }), true],
    ["it was paused", runs, seen(1, { state: "paused" }), false],
    ["it has another reason", runs, seen(1, { reason: "unpaused" }), false],
  ] as const)("%s: worth a look at once or not", (_what, before, after, isWorth) => {
    expect(mayHaveMoved({ before, after })).toBe(isWorth);
  });
});
