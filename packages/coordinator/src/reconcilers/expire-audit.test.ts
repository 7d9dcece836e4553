import type { AuditRecord } from "@muster/model";
import { describe, expect, it } from "vitest";
import { Tables } from "../ledger/view.ts";
import { expiredAudit } from "./expire-audit.ts";

const entry = (second: number): AuditRecord => ({
  id: String(second).padStart(5, "0"),
  at: new Date(second * 1_000).toISOString(),
  who: "ann",
  from: "local socket",
  call: "CreateVm",
  why: "",
  changes: [],
});

const idsOf = (entries: readonly AuditRecord[]): readonly string[] => entries.map(({ id }) => id);

describe("the audit trail", () => {
  const tables = new Tables();
  for (const second of [30, 10, 20, 40]) tables.put("audit", entry(second));

  it("forgets what is older than it is kept, oldest first", () => {
    const old = expiredAudit(tables, { keepMs: 15_000, entriesMax: 100 }, 40_000);
    expect(idsOf(old)).toStrictEqual(["00010", "00020"]);
  });

  it("forgets the oldest beyond the number that is kept", () => {
    const surplus = expiredAudit(tables, { keepMs: 1e9, entriesMax: 3 }, 40_000);
    expect(idsOf(surplus)).toStrictEqual(["00010"]);
  });

  it("forgets nothing else", () => {
    expect(expiredAudit(tables, { keepMs: 1e9, entriesMax: 4 }, 40_000)).toStrictEqual([]);
  });
});
