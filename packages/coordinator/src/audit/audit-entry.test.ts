import { describe, expect, it } from "vitest";
import { put, remove } from "../ledger/ledger.ts";
import { aHost, anOperation } from "../testing/builders.ts";
import { auditEntry } from "./audit-entry.ts";

const author = { who: "ann", from: "10.0.0.1:4711", call: "SetHostCordon", why: "new memory" };
const about = (before: object | undefined) => ({
  id: "1",
  at: new Date(0),
  before: () => before,
});

describe("an entry of the audit trail", () => {
  it("has who, from where, why, and what differs", () => {
    const [before, after] = [aHost(1), aHost(1, { cordoned: true, cordonReason: "new memory" })];
    expect(auditEntry(author, [put("host", after)], about(before))).toStrictEqual({
      id: "1",
      at: "1970-01-01T00:00:00.000Z",
      ...author,
      changes: [
        {
          thing: "host/h1",
          before: '{"cordoned":false,"cordonReason":""}',
          after: '{"cordoned":true,"cordonReason":"new memory"}',
        },
      ],
    });
  });

  it("tells what is new and what is gone", () => {
    const made = auditEntry(author, [put("operation", anOperation(1))], about(undefined));
    expect(made?.changes[0]).toMatchObject({
      before: "",
      after: expect.stringContaining("type") as string,
    });
    const gone = auditEntry(author, [remove("host", aHost(1))], about(aHost(1)));
    expect(gone?.changes[0]).toMatchObject({
      after: "",
      before: expect.stringContaining("h1") as string,
    });
  });

  it("never has a secret, and nothing of what only counts", () => {
    const invite = {
      id: "i1" as never,
      hostName: "h9",
      secretHash: "deadbeef",
      expiresAt: "2026-01-01T00:00:00Z",
    };
    const entry = auditEntry(author, [put("invite", invite)], about(undefined));
    expect(JSON.stringify(entry)).not.toContain("deadbeef");
    const cluster = { operationCount: 2 } as never;
    expect(auditEntry(author, [put("cluster", cluster)], about(undefined))).toBeUndefined();
  });

  it("is cut when it is long", () => {
    const host = aHost(1, { cordonReason: "x".repeat(5_000) });
    const entry = auditEntry(author, [put("host", host)], about(undefined));
    expect(entry?.changes[0]?.after.length).toBeLessThan(2_100);
  });
});
