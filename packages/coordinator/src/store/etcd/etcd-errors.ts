/** What etcd's refusals mean to a coordinator. PURE. */
import { status, type ServiceError } from "@grpc/grpc-js";
import { MusterError, type ErrorCode } from "@muster/model";

/**
 * By their words where one status means several things. Whatever is not here is `unreachable`: asking another member,
 * or the same one again, may help, and nobody knows whether a write was done.
 */
const byWords: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/has been compacted/, "version-conflict", "take a snapshot and watch from it"],
  [/lease not found/, "not-found", "the lease has ended"],
  [
    /database space exceeded/,
    "storage-failed",
    "make room: etcdctl defrag, then etcdctl alarm disarm; see operating.md",
  ],
  [/too many operations/, "limit-exceeded", "etcd's --max-txn-ops must be at least 128"],
  [/request is too large|larger than max/, "limit-exceeded", "see etcd's --max-request-bytes"],
];

const byStatus: Readonly<Partial<Record<status, ErrorCode>>> = {
  [status.INVALID_ARGUMENT]: "invalid",
  [status.UNAUTHENTICATED]: "unauthenticated",
  [status.PERMISSION_DENIED]: "forbidden",
  [status.UNIMPLEMENTED]: "version-mismatch",
};

export function etcdProblem(error: ServiceError, doing: string, endpoint: string): MusterError {
  const message = `failed to ${doing} etcd at ${endpoint}`;
  const cause = new Error(error.details === "" ? error.message : error.details);
  const known = byWords.find(([words]) => words.test(error.details));
  if (known !== undefined) return new MusterError(known[1], message, { cause, hint: known[2] });
  return new MusterError(byStatus[error.code] ?? "unreachable", message, { cause });
}

/** A token that a restarted member does not know, or that is too old. */
export const isStaleToken = (error: ServiceError): boolean =>
  error.code === status.UNAUTHENTICATED ||
  /invalid auth token|revision of auth/.test(error.details);
