/**
 * Whether an invitation lets a machine in, and why not. PURE. Nothing is said about an invitation before the
 * secret was right, so that guessing teaches nothing.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { MusterError, type HostRecord, type InviteRecord } from "@muster/model";

export type AdmissionRefusal =
  "unknown" | "wrong-secret" | "already-used" | "expired" | "other-host-name" | "already-enrolled";

export type Admission =
  | { readonly ok: true; readonly invite: InviteRecord }
  | { readonly ok: false; readonly reason: AdmissionRefusal; readonly message: string };

export interface AdmissionQuestion {
  /** By the id the machine named; undefined when there is none. */
  readonly invite: InviteRecord | undefined;
  readonly hostName: string;
  readonly secret: string;
  /** The host that already has this name. */
  readonly enrolled: HostRecord | undefined;
  /** Wall time: invitations are dated by it. */
  readonly now: Date;
}

export function admit(question: AdmissionQuestion): Admission {
  const { invite, hostName, secret, enrolled, now } = question;
  if (invite === undefined) {
    return refuse(
      "unknown",
      "this coordinator knows no such invitation, or it was replaced by a newer one",
    );
  }
  if (!isSecret(secret, invite.secretHash)) {
    return refuse("wrong-secret", "the join string's secret is wrong");
  }
  if (invite.usedAt !== undefined) {
    return refuse("already-used", `the join string was used at ${invite.usedAt}; it works once`);
  }
  if (now.getTime() >= Date.parse(invite.expiresAt)) {
    return refuse("expired", `the join string expired at ${invite.expiresAt}`);
  }
  if (invite.hostName !== hostName) {
    const message = `the join string is for host ${invite.hostName}, this is ${hostName}`;
    return refuse("other-host-name", message);
  }
  if (enrolled !== undefined) {
    return refuse("already-enrolled", `host ${hostName} is already enrolled`);
  }
  return { ok: true, invite };
}

/** As invitations keep it. */
export const secretHashOf = (secret: string): string =>
  createHash("sha256").update(secret).digest("hex");

/** Hashes have one length and say nothing about the secret, and comparing them takes always as long. */
function isSecret(secret: string, secretHash: string): boolean {
  const expected = Buffer.from(secretHash, "hex");
  const given = Buffer.from(secretHashOf(secret), "hex");
  return expected.length === given.length && timingSafeEqual(given, expected);
}

const refuse = (reason: AdmissionRefusal, message: string): Admission => ({
  ok: false,
  reason,
  message,
});

const INVITE_AGAIN = "make a new join string: muster host invite NAME";

const hints: Record<AdmissionRefusal, string> = {
  unknown: INVITE_AGAIN,
  "wrong-secret": "copy the whole join string again",
  "already-used": INVITE_AGAIN,
  expired: INVITE_AGAIN,
  "other-host-name": "each host needs its own join string",
  "already-enrolled": "to enrol the machine again, first: muster host remove NAME",
};

/** What a refused machine is told. */
export function admissionError(refusal: Extract<Admission, { readonly ok: false }>): MusterError {
  const code = refusal.reason === "already-enrolled" ? "already-exists" : "unauthenticated";
  return new MusterError(code, refusal.message, { hint: hints[refusal.reason] });
}
