/**
 * Who stands behind a certificate, and why not. PURE: OpenSSL has only established that the peer owns the
 * certificate's key; everything else is decided here, for every call anew, so that a host that is removed can do
 * nothing from that moment on.
 */
import { X509Certificate } from "node:crypto";
import {
  isMusterError,
  MusterError,
  parseHostId,
  type HostId,
  type HostRecord,
} from "@muster/model";
import { serialOf, subjectOf, type CertificateSubject } from "@muster/runtime";

export type Identity =
  | {
      readonly role: "host";
      readonly hostId: HostId;
      /** The one before the current one, accepted until the current one was used. */
      readonly isPreviousCertificate: boolean;
      readonly serial: string;
    }
  | { readonly role: "operator" | "metrics"; readonly name: string };

export type RefusalReason =
  | "unreadable"
  | "other-authority"
  | "not-yet-valid"
  | "expired"
  | "no-role"
  | "removed-host"
  | "superseded";

export type Identification =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly reason: RefusalReason; readonly message: string };

export interface IdentifyQuestion {
  readonly der: Uint8Array;
  readonly authority: X509Certificate;
  /** Wall time: certificates are dated by it. */
  readonly now: Date;
  readonly findHost: (id: HostId) => HostRecord | undefined;
  /** renewal: a host's expired certificate still counts. */
  readonly purpose: "use" | "renewal";
}

export function identify(question: IdentifyQuestion): Identification {
  const certificate = parseCertificate(question.der);
  if (certificate === undefined) return refuse("unreadable", "the certificate cannot be read");
  const { authority, now } = question;
  if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) {
    return refuse("other-authority", "the certificate was issued by another authority");
  }
  const subject = subjectOf(certificate);
  if (subject === undefined) return refuse("no-role", "the certificate names no role");
  if (now < certificate.validFromDate) {
    const from = certificate.validFromDate.toISOString();
    return refuse("not-yet-valid", `the certificate is valid only from ${from}: check the clocks`);
  }
  const isExpired = now > certificate.validToDate;
  if (isExpired && !(question.purpose === "renewal" && subject.role === "host")) {
    return refuse("expired", `the certificate expired at ${certificate.validToDate.toISOString()}`);
  }
  return identifyRole(subject, serialOf(certificate), question);
}

function identifyRole(
  subject: CertificateSubject,
  serial: string,
  question: IdentifyQuestion,
): Identification {
  switch (subject.role) {
    case "host":
      return identifyHost(subject.id, serial, question);
    case "operator":
    case "metrics":
      return { ok: true, identity: { role: subject.role, name: subject.id } };
    case "coordinator":
      return refuse("no-role", "a coordinator's certificate is no client's");
  }
}

function identifyHost(id: string, serial: string, { findHost }: IdentifyQuestion): Identification {
  const hostId = hostIdFrom(id);
  if (hostId === undefined) return refuse("no-role", "the certificate's host id is not one");
  const host = findHost(hostId);
  if (host === undefined) {
    return refuse("removed-host", "the host was removed from the cluster");
  }
  const identity = { role: "host", hostId, serial } as const;
  if (serial === host.certificateSerial) {
    return { ok: true, identity: { ...identity, isPreviousCertificate: false } };
  }
  if (serial === host.previousCertificateSerial) {
    return { ok: true, identity: { ...identity, isPreviousCertificate: true } };
  }
  return refuse("superseded", `host ${host.name} has a newer certificate than this one`);
}

const refuse = (reason: RefusalReason, message: string): Identification => ({
  ok: false,
  reason,
  message,
});

function parseCertificate(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    // Only the shape of foreign bytes can fail here; the refusal says so.
    return undefined;
  }
}

function hostIdFrom(text: string): HostId | undefined {
  try {
    return parseHostId(text);
  } catch (error) {
    if (isMusterError(error)) return undefined;
    throw error;
  }
}

const hints: Partial<Record<RefusalReason, string>> = {
  "removed-host":
    "to enrol the machine again: muster-agent leave, then join with a new join string",
  superseded:
    "another machine may have a copy of this host's identity: remove the host and enrol it again",
  "other-authority": "the certificate belongs to another cluster",
  expired: "renew it: an agent does so by itself, an operator with muster-coordinator certificate",
};

/** What a refused caller is told. */
export function refusalError(
  refusal: Extract<Identification, { readonly ok: false }>,
): MusterError {
  const hint = hints[refusal.reason];
  return new MusterError("unauthenticated", refusal.message, hint === undefined ? {} : { hint });
}
