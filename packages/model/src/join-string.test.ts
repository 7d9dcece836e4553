import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MusterError } from "./errors.ts";
import { parseInviteId } from "./ids.ts";
import { encodeJoinString, parseJoinString, type JoinString } from "./join-string.ts";

const join: JoinString = {
  addresses: ["https://10.0.0.1:7443", "https://coordinator.example:7443"],
  authorityFingerprint: "ab".repeat(32),
  hostName: "h1",
  inviteId: parseInviteId("11111111-1111-4111-8111-111111111111"),
  secret: "s3cr3t-s3cr3t",
  expiresAt: "2026-01-01T00:00:00.000Z",
};
const text = encodeJoinString(join);

function refusalOf(broken: string): MusterError {
  try {
    parseJoinString(broken);
  } catch (error) {
    if (error instanceof MusterError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

const encodeFields = (fields: object): string => encodeJoinString({ ...join, ...fields });

describe("join string", () => {
  it("comes back as it was", () => {
    expect(text).toMatch(/^muster1\.[A-Za-z0-9_-]+\.[0-9a-f]{8}$/);
    expect(parseJoinString(text)).toEqual(join);
  });

  it("may have been wrapped", () => {
    expect(parseJoinString(`  ${text.slice(0, 50)}\n   ${text.slice(50)}\n`)).toEqual(join);
  });

  it("is refused after any change of one character, and never repeats the secret", () => {
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom("A", "b", "7", "_", "."),
        (at, other) => {
          fc.pre(text[at] !== other);
          const refusal = refusalOf(text.slice(0, at) + other + text.slice(at + 1));
          expect(refusal.code).toBe("invalid");
          expect(refusal.message).not.toContain(join.secret);
        },
      ),
    );
  });

  it("is refused when cut off anywhere", () => {
    fc.assert(
      fc.property(fc.nat(text.length - 1), (length) => {
        expect(refusalOf(text.slice(0, length)).code).toBe("invalid");
      }),
    );
  });

  it.each([
    ["", "is empty"],
    ["hello", 'does not begin with "muster1."'],
    ["muster2.abc.00000000", "is of version 2"],
    [text.slice(0, -9), "is not complete"],
    [text.replace("muster1.", "muster1.A"), "is damaged"],
    ["muster1.bm9wZQ.d6a0a6ea", "is damaged"],
    ["x".repeat(20_000), "is too long"],
    [encodeFields({ addresses: [] }), "names no coordinator"],
    [encodeFields({ authorityFingerprint: "abc" }), "has no fingerprint"],
    [encodeFields({ secret: "" }), "has no secret"],
    [encodeFields({ hostName: "My Host" }), "is not a name"],
    [encodeFields({ inviteId: "7" }), "is not a UUID"],
    [encodeFields({ expiresAt: "soon" }), "does not say when it expires"],
  ])("%#: says what is wrong", (broken, problem) => {
    expect(refusalOf(broken).message).toContain(problem);
  });
});
