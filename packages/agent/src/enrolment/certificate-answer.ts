/** Checks what the coordinator sent before it is relied on. PURE. */
import { X509Certificate } from "node:crypto";
import { MusterError, type HostId } from "@muster/model";
import { subjectOf } from "@muster/runtime";
import { checkPair } from "./identity.ts";

/** Throws `internal` unless the certificate is this host's, for our key, signed by the authority. */
export function checkCertificateAnswer(answer: {
  readonly privateKey: string;
  readonly certificate: string;
  readonly authority: string;
  readonly hostId: HostId;
}): void {
  const problem = problemOf(answer);
  if (problem === undefined) return;
  throw new MusterError("internal", `the coordinator sent a certificate that ${problem}`);
}

function problemOf(answer: Parameters<typeof checkCertificateAnswer>[0]): string | undefined {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(answer.certificate);
    checkPair(answer.privateKey, answer.certificate);
  } catch (error) {
    return `does not fit: ${error instanceof Error ? error.message : "unreadable"}`;
  }
  const authority = new X509Certificate(answer.authority);
  if (!certificate.verify(authority.publicKey)) return "its own authority did not sign";
  const subject = subjectOf(certificate);
  if (subject?.role !== "host" || subject.id !== answer.hostId) return "is not this host's";
  return undefined;
}
