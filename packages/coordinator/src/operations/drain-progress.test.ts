import type { OperationRecord, OperationState, VmObservation } from "@muster/model";
import { describe, expect, it } from "vitest";
import {
  aHost,
  anOperation,
  aVm,
  hostIdOf,
  onHost,
  seen,
  viewOf,
  vmIdOf,
} from "../testing/builders.ts";
import { drainProgress, moveRequestId } from "./drain-progress.ts";

const drain = anOperation(1, { type: "host-drain", state: "running" });

const observing = (...vms: readonly VmObservation[]) => ({
  connected: true,
  reported: true,
  vms: new Map(vms.map((vm) => [vm.id, vm])),
});

const move = (
  number: number,
  of: { readonly vm: number; readonly attempt: number; readonly state: OperationState },
): OperationRecord =>
  anOperation(number, {
    type: "vm-migrate",
    state: of.state,
    requestId: moveRequestId(drain, { vm: aVm(of.vm), attempt: of.attempt }),
  });

/** VMs 1, 2 and 3 are on host 1; the plan wants 3 to go first, then 1. */
function progress(
  moves: readonly OperationRecord[],
  vms: readonly VmObservation[] = [seen(1), seen(2), seen(3)],
) {
  const view = viewOf(
    ["host", aHost(1)],
    ["vm", aVm(1, { placement: onHost(1) })],
    ["vm", aVm(2, { placement: onHost(1) })],
    ["vm", aVm(3, { placement: onHost(1) })],
    ["vm", aVm(4, { placement: onHost(2) })],
    ...moves.map((record) => ["operation", record] as const),
  );
  const planned = [
    { vmId: vmIdOf(3), targetId: hostIdOf(2) },
    { vmId: vmIdOf(1), targetId: hostIdOf(3) },
  ];
  return drainProgress(view, drain, {
    hostId: hostIdOf(1),
    planned,
    observed: observing(...vms),
  });
}

const waitingOf = (moves: readonly OperationRecord[], vms?: readonly VmObservation[]) =>
  progress(moves, vms).waiting.map(({ vm, attempt, targetId }) => ({
    vm: vm.id,
    attempt,
    targetId,
  }));

describe("a drain's progress", () => {
  it("takes VMs in the order of the plan, and those it did not know of last", () => {
    expect(waitingOf([])).toEqual([
      { vm: vmIdOf(3), attempt: 1, targetId: hostIdOf(2) },
      { vm: vmIdOf(1), attempt: 1, targetId: hostIdOf(3) },
      { vm: vmIdOf(2), attempt: 1, targetId: undefined },
    ]);
  });

  it("neither waits for nor repeats what is moving", () => {
    const moving = move(2, { vm: 3, attempt: 1, state: "running" });
    expect(progress([moving]).active).toEqual([moving]);
    expect(waitingOf([moving]).map(({ vm }) => vm)).toEqual([vmIdOf(1), vmIdOf(2)]);
  });

  it("tries a failed move once more, wherever there is room, and then gives it up", () => {
    const first = move(2, { vm: 3, attempt: 1, state: "failed" });
    expect(waitingOf([first])[0]).toEqual({ vm: vmIdOf(3), attempt: 2, targetId: undefined });
    const second = move(3, { vm: 3, attempt: 2, state: "failed" });
    expect(progress([first, second]).given.map(({ last }) => last)).toEqual([second]);
  });

  it("does not repeat a move that somebody cancelled", () => {
    const cancelled = move(2, { vm: 3, attempt: 1, state: "cancelled" });
    expect(progress([cancelled]).given).toHaveLength(1);
  });

  it("lets rest what does not run, and nothing it is not sure of", () => {
    const stopped = [seen(1, { state: "stopped" }), seen(2), seen(3, { state: "paused" })];
    expect(progress([], stopped).resting.map(({ id }) => id)).toEqual([vmIdOf(1)]);
    const view = viewOf(["vm", aVm(1, { placement: onHost(1) })]);
    const unheard = { hostId: hostIdOf(1), planned: [], observed: undefined };
    expect(drainProgress(view, drain, unheard)).toMatchObject({
      resting: [],
      waiting: [{ attempt: 1 }],
    });
  });

  it("counts only its own moves", () => {
    const own = move(2, { vm: 4, attempt: 1, state: "succeeded" });
    const other = anOperation(3, { type: "vm-migrate", requestId: "op-000009/x/1" });
    expect(progress([own, other]).movedCount).toBe(1);
  });
});
