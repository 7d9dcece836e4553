import { OperationState, StepState } from "@muster/proto/admin";
import { describe, expect, it } from "vitest";
import { anOperation, aStep, aSucceededOperation } from "../testing/builders.ts";
import { decodeOperation } from "../view/operation.ts";
import { doneRatio, renderBar, renderNews, renderProgressLine, timeLeft } from "./progress.ts";

const MIB = 1n << 20n;
const someStats = {
  processedBytes: 0n,
  remainingBytes: 100n * MIB,
  totalBytes: 100n * MIB,
  bytesPerSecond: 10n * MIB,
  iteration: 1,
  dirtyBytesPerSecond: 0n,
  downtimeMs: 0,
  elapsedMs: 0,
};
const moving = decodeOperation(anOperation());

describe("renderProgressLine", () => {
  it("shows bytes, rate, time left, pass and phase of a migration", () => {
    expect(renderProgressLine(moving, { elapsedMs: 3_100, widthMax: 200 })).toBe(
      "[############            ]  50%  move-guest on h1: copying memory  260 MiB sent of 512 MiB  85 MiB/s  3.2 s left  pass 2  3.1 s",
    );
  });

  it("counts steps where there are no bytes", () => {
    const view = decodeOperation(anOperation({ migration: undefined }));
    expect(renderProgressLine(view, { elapsedMs: 12_000, widthMax: 200 })).toBe(
      "[########                ]  33%  move-guest on h1: copying memory  12 s",
    );
  });

  it("says that it is undoing", () => {
    const view = decodeOperation(anOperation({ state: OperationState.UNDOING }));
    expect(renderProgressLine(view, { elapsedMs: 100, widthMax: 200 })).toContain("undoing");
  });

  it("fits the terminal", () => {
    expect(renderProgressLine(moving, { elapsedMs: 0, widthMax: 40 })).toHaveLength(40);
  });
});

describe("renderBar", () => {
  it.each([
    [0, "[                        ]   0%"],
    [0.999, "[########################]  99%"],
    [1, "[########################] 100%"],
  ])("%d", (ratio, bar) => {
    expect(renderBar(ratio)).toBe(bar);
  });
});

describe("timeLeft", () => {
  it.each([
    ["a quiet guest", {}, "10 s left"],
    ["a busy guest", { dirtyBytesPerSecond: 5n * MIB }, "20 s left"],
    ["too busy a guest", { dirtyBytesPerSecond: 10n * MIB }, "does not converge yet"],
    ["an unknown rate", { bytesPerSecond: 0n }, undefined],
    ["nothing remaining", { remainingBytes: 0n }, undefined],
  ] as const)("of %s", (_case, fields, text) => {
    expect(timeLeft({ ...someStats, ...fields })).toBe(text);
  });
});

describe("doneRatio", () => {
  it("is whole for what succeeded", () => {
    expect(doneRatio(decodeOperation(aSucceededOperation()))).toBe(1);
  });
  it("is unknown without steps", () => {
    expect(doneRatio(decodeOperation(anOperation({ steps: [], migration: undefined })))).toBe(
      undefined,
    );
  });
  it("never leaves 0 to 1 when the guest dirties more than there was", () => {
    const migration = { ...someStats, remainingBytes: 600n * MIB };
    expect(doneRatio(decodeOperation(anOperation({ migration })))).toBe(0);
  });
});

describe("renderNews", () => {
  const texts = (...views: Parameters<typeof renderNews>): readonly string[] =>
    renderNews(...views).map(({ text }) => text);

  it("tells everything at first", () => {
    expect(texts(undefined, moving)).toEqual([
      "op-000001 vm-migrate vm/web-1: running",
      "op-000001 reserve-target on h2: done after 0.0 s",
      "op-000001 move-guest on h1: copying memory",
    ]);
  });

  it("is silent when only counters moved", () => {
    const later = { ...moving, revision: 8n };
    expect(texts(moving, later)).toEqual([]);
  });

  it("tells a changed phase, a failed step and the undoing", () => {
    const next = decodeOperation(
      anOperation({
        state: OperationState.UNDOING,
        cancelRequested: true,
        steps: [
          aStep({ name: "reserve-target", state: StepState.RUNNING, host: "h2", phase: "undoing" }),
          aStep({ state: StepState.FAILED }),
        ],
      }),
    );
    expect(texts(moving, next)).toEqual([
      "op-000001 vm-migrate vm/web-1: undoing",
      "op-000001 vm-migrate vm/web-1: asked to cancel",
      "op-000001 reserve-target on h2: undoing",
      "op-000001 move-guest on h1: failed after 3.0 s",
    ]);
  });
});
