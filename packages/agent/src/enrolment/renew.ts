/** Keeps the host's certificate fresh. The old one asks for the new one, even after it has expired. */
import { X509Certificate } from "node:crypto";
import { EnrolmentService } from "@muster/proto/dispatch";
import { createCertificateRequest, renewalDueAt } from "@muster/runtime";
import { atLeader } from "./at-leader.ts";
import { checkCertificateAnswer } from "./certificate-answer.ts";
import { replaceCertificate, trustOf, type HostIdentity } from "./identity.ts";

/** True from two thirds of the certificate's life on. `now`: wall time, as certificates are dated. */
export const isRenewalDue = (identity: HostIdentity, now: Date): boolean =>
  now >= renewalDueAt(new X509Certificate(identity.certificate));

export interface RenewalRequest {
  readonly identity: HostIdentity;
  readonly dataDirectory: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * The identity with a new key and certificate, which are on disk by then. Open connections keep the old ones. Throws
 * what the coordinator refuses with, `unreachable`, or `storage-failed`; the old identity then stays in force.
 */
export async function renew(request: RenewalRequest): Promise<HostIdentity> {
  const { identity, timeoutMs, signal } = request;
  const { privateKey, request: certificateRequest } = createCertificateRequest();
  const options = { timeoutMs, ...(signal === undefined ? {} : { signal }) };
  const { certificate } = await atLeader(
    { addresses: identity.coordinators, trust: trustOf(identity), ...options },
    (client) => client.unary(EnrolmentService.renew, { certificateRequest }, options),
  );
  const { authority, hostId } = identity;
  checkCertificateAnswer({ privateKey, certificate, authority, hostId });
  const renewed: HostIdentity = { ...identity, privateKey, certificate };
  await replaceCertificate(request.dataDirectory, renewed);
  return renewed;
}
