import { parseHostId, type HostRecord, type InviteRecord } from "@muster/model";
import { describe, expect, it } from "vitest";
import { admissionError, admit, secretHashOf, type AdmissionQuestion } from "./admit.ts";

const invite: InviteRecord = {
  id: "11111111-1111-4111-8111-111111111111",
  hostName: "h1",
  secretHash: secretHashOf("right"),
  expiresAt: "2026-01-01T01:00:00.000Z",
};
const enrolled: HostRecord = {
  id: parseHostId("22222222-2222-4222-8222-222222222222"),
  name: "h1",
  cordoned: false,
  cordonReason: "",
  certificateSerial: "",
  certificateExpiresAt: "",
  enrolledAt: "",
  connectedBefore: true,
};
const question: AdmissionQuestion = {
  invite,
  hostName: "h1",
  secret: "right",
  enrolled: undefined,
  now: new Date("2026-01-01T00:59:59.999Z"),
};

describe("admit", () => {
  it("lets the invited machine in", () => {
    expect(admit(question)).toEqual({ ok: true, invite });
  });

  it.each([
    ["unknown", { invite: undefined }, "unauthenticated"],
    ["wrong-secret", { secret: "wrong" }, "unauthenticated"],
    ["wrong-secret", { secret: "" }, "unauthenticated"],
    ["wrong-secret", { invite: { ...invite, secretHash: "" } }, "unauthenticated"],
    [
      "already-used",
      { invite: { ...invite, usedAt: "2026-01-01T00:10:00.000Z" } },
      "unauthenticated",
    ],
    ["expired", { now: new Date(invite.expiresAt) }, "unauthenticated"],
    ["other-host-name", { hostName: "h2" }, "unauthenticated"],
    ["already-enrolled", { enrolled }, "already-exists"],
  ] as const)("refuses: %s", (reason, change, code) => {
    const answer = admit({ ...question, ...change });
    expect(answer).toMatchObject({ ok: false, reason });
    if (answer.ok) throw new Error("it was admitted");
    const error = admissionError(answer);
    expect(error.code).toBe(code);
    expect(error.hint).not.toBe("");
  });

  it("says nothing about an invitation to someone without its secret", () => {
    const spent = {
      ...invite,
      usedAt: "2026-01-01T00:10:00.000Z",
      expiresAt: "2020-01-01T00:00:00Z",
    };
    expect(
      admit({ ...question, invite: spent, hostName: "h2", secret: "guess", enrolled }),
    ).toMatchObject({ reason: "wrong-secret" });
  });
});
