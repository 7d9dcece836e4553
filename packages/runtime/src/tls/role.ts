/**
 * What a certificate says its owner is: a URI among its names, "muster://host/<id>". Written by the authority
 * only, so it can be believed once the signature was checked. The common name is for people.
 */
import type { X509Certificate } from "node:crypto";

/** coordinator: id is the cluster's. host: the host's id. operator, metrics: the name it was issued to. */
export type CertificateRole = "coordinator" | "host" | "operator" | "metrics";

export interface CertificateSubject {
  readonly role: CertificateRole;
  readonly id: string;
}

const ROLE_URI = /^URI:muster:\/\/(coordinator|host|operator|metrics)\/([a-z0-9][a-z0-9.-]{0,62})$/;

export const roleUri = ({ role, id }: CertificateSubject): string => `muster://${role}/${id}`;

/** The one role a certificate names; undefined when it names none, or more than one. */
export function subjectOf(certificate: X509Certificate): CertificateSubject | undefined {
  return subjectOfNames(certificate.subjectAltName);
}

/** `names` as Node prints them: "DNS:h1, URI:muster://host/…"; names with odd characters are quoted and never ours. */
export function subjectOfNames(names: string | undefined): CertificateSubject | undefined {
  const subjects = (names ?? "").split(", ").flatMap((name): CertificateSubject[] => {
    const match = ROLE_URI.exec(name);
    const role = roles.find((known) => known === match?.[1]);
    const id = match?.[2];
    return role === undefined || id === undefined ? [] : [{ role, id }];
  });
  return subjects.length === 1 ? subjects[0] : undefined;
}

const roles: readonly CertificateRole[] = ["coordinator", "host", "operator", "metrics"];

/** When two thirds of a certificate's life are over: time to ask for another, and a third left to get it. */
export function renewalDueAt(certificate: X509Certificate): Date {
  const fromMs = certificate.validFromDate.getTime();
  const lifeMs = certificate.validToDate.getTime() - fromMs;
  return new Date(fromMs + (lifeMs * 2) / 3);
}
