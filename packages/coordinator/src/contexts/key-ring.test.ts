import { parseClusterId, parseVmId, type ContextRecord } from "@muster/model";
import { seededRandom } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import type { SecretsRecord } from "../ledger/records.ts";
import { KeyRing } from "./key-ring.ts";

const clusterId = parseClusterId("cc000000-0000-4000-8000-000000000000");
const vmId = parseVmId("b0000000-0000-4000-8000-000000000001");
const other = parseVmId("b0000000-0000-4000-8000-000000000002");
const cluster = { id: clusterId, operationCount: 0, macCount: 0 };

const setting = () => {
  const seal = { seal: (text: string) => `sealed:${text}`, open: (text: string) => text.slice(7) };
  const ring = new KeyRing({ seal, random: seededRandom(1) });
  const first = ring.current({ secrets: undefined });
  const secrets = first.changes[0]?.value as SecretsRecord;
  const record: ContextRecord = {
    vmId,
    format: "nocloud",
    sealedSecret: ring.close("hello", first, { clusterId, vmId }),
    secretKey: first.number,
    reports: true,
    removeSeed: false,
    timeoutMs: 1_000,
    seed: "present",
    stages: [],
  };
  return { ring, secrets, record };
};

/** One character in the middle. */
const changedAt = (sealed = ""): string => {
  const at = sealed.length - 10;
  return sealed.slice(0, at) + (sealed[at] === "A" ? "B" : "A") + sealed.slice(at + 1);
};

describe("a key ring", () => {
  it("opens what it sealed, and seals the same twice differently", () => {
    const { ring, secrets, record } = setting();
    expect(ring.open({ secrets, cluster }, record)).toBe("hello");
    const again = ring.close("hello", ring.current({ secrets }), { clusterId, vmId });
    expect(again).not.toBe(record.sealedSecret);
    expect(record.sealedSecret).not.toContain("hello");
  });

  it("makes the first key once", () => {
    const { ring, secrets } = setting();
    expect(ring.current({ secrets }).changes).toStrictEqual([]);
    expect(ring.next({ secrets }).number).toBe(2);
  });

  it.each<[string, (record: ContextRecord) => ContextRecord]>([
    ["of another VM", (record) => ({ ...record, vmId: other })],
    ["under another key's number", (record) => ({ ...record, secretKey: 2 })],
    ["that was changed", (record) => ({ ...record, sealedSecret: changedAt(record.sealedSecret) })],
    ["of another form", (record) => ({ ...record, sealedSecret: "muster-context-9:AAAA" })],
  ])("does not open one %s", (_what, change) => {
    const { ring, secrets, record } = setting();
    const more = ring.next({ secrets }).changes[0]?.value as SecretsRecord;
    const changed = change(record);
    expect(() => ring.open({ secrets: more, cluster }, changed)).toThrow("cannot be opened");
  });

  it("does not open one of another cluster", () => {
    const { ring, secrets, record } = setting();
    const elsewhere = { ...cluster, id: parseClusterId("cc000000-0000-4000-8000-000000000009") };
    expect(() => ring.open({ secrets, cluster: elsewhere }, record)).toThrow("cannot be opened");
  });

  it("says that a context was forgotten", () => {
    const { ring, secrets, record } = setting();
    const { sealedSecret: _gone, ...forgotten } = record;
    expect(() => ring.open({ secrets, cluster }, forgotten)).toThrow("was forgotten");
  });
});
