/** Whether the certificate a server showed is the coordinator's. PURE. */
import { MusterError } from "@muster/model";
import type { ClientTrust } from "../tls/identity.ts";
import { subjectOfNames } from "../tls/role.ts";

/** The authority signs hosts too: only a certificate with the coordinator's role is the coordinator. */
export function coordinatorProblem(
  names: string | undefined,
  trust: ClientTrust,
): MusterError | undefined {
  const subject = subjectOfNames(names);
  if (subject?.role !== "coordinator") {
    return new MusterError("unauthenticated", "the certificate is not a coordinator's");
  }
  if (trust.clusterId === undefined || subject.id === trust.clusterId) return undefined;
  const message = `this is the coordinator of cluster ${subject.id}, not of ${trust.clusterId}`;
  return new MusterError("unauthenticated", message);
}
