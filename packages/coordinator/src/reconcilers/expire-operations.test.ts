import type { OperationRecord } from "@muster/model";
import { describe, expect, it } from "vitest";
import { anOperation, viewOf } from "../testing/builders.ts";
import { expiredOperations } from "./expire-operations.ts";

const DAY_MS = 24 * 3_600_000;
const nowMs = Date.UTC(2026, 6, 1);
const endedDaysAgo = (number: number, days: number): OperationRecord =>
  anOperation(number, { endedAt: new Date(nowMs - days * DAY_MS).toISOString() });

const expired = (operations: readonly OperationRecord[]): readonly string[] =>
  expiredOperations(
    viewOf(...operations.map((operation) => ["operation", operation] as const)),
    nowMs,
  ).map(({ id }) => id);

const many = (count: number, days: number): readonly OperationRecord[] =>
  Array.from({ length: count }, (_, index) => endedDaysAgo(index + 1, days));

describe("ended operations", () => {
  it("are kept in a quiet cluster, however old", () => {
    expect(expired(many(1_000, 1_000))).toStrictEqual([]);
  });

  it("go after ninety days, the oldest first, while a thousand stay", () => {
    const operations = many(1_003, 91);
    expect(expired(operations)).toStrictEqual(operations.slice(0, 3).map(({ id }) => id));
  });

  it("are kept for ninety days in a busy one", () => {
    expect(expired(many(1_500, 89))).toStrictEqual([]);
  });

  it("go whatever their age when there are too many", () => {
    expect(expired(many(20_002, 0))).toHaveLength(2);
  });

  it("go, those that have not ended never", () => {
    const old = new Date(nowMs - 400 * DAY_MS).toISOString();
    const stuck = Array.from({ length: 1_500 }, (_, index) =>
      anOperation(index + 1, { state: "running", createdAt: old }),
    );
    expect(expired(stuck)).toStrictEqual([]);
  });
});
