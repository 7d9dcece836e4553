/** A failed call as a MusterError: the coordinator's own words when it sent them, else what gRPC knows. */
import { status, type ServiceError } from "@grpc/grpc-js";
import { isErrorCode, MusterError, type ErrorCode } from "@muster/model";
import { ErrorDetail } from "@muster/proto/types";

/** Trailing metadata that holds an encoded muster.v1.ErrorDetail. */
export const ERROR_DETAIL_KEY = "muster-error-bin";

/** For answers that do not come from muster: a proxy, another program, gRPC itself. */
const codeByStatus: Readonly<Record<status, ErrorCode>> = {
  [status.OK]: "internal",
  [status.CANCELLED]: "cancelled",
  [status.UNKNOWN]: "internal",
  [status.INVALID_ARGUMENT]: "invalid",
  [status.DEADLINE_EXCEEDED]: "timeout",
  [status.NOT_FOUND]: "not-found",
  [status.ALREADY_EXISTS]: "already-exists",
  [status.PERMISSION_DENIED]: "forbidden",
  [status.RESOURCE_EXHAUSTED]: "limit-exceeded",
  [status.FAILED_PRECONDITION]: "wrong-state",
  [status.ABORTED]: "version-conflict",
  [status.OUT_OF_RANGE]: "invalid",
  [status.UNIMPLEMENTED]: "version-mismatch",
  [status.INTERNAL]: "internal",
  [status.UNAVAILABLE]: "unreachable",
  [status.DATA_LOSS]: "internal",
  [status.UNAUTHENTICATED]: "unauthenticated",
};

const hintByStatus: Readonly<Partial<Record<status, string>>> = {
  [status.UNIMPLEMENTED]: "the coordinator is older than this muster: compare `muster version`",
  [status.DEADLINE_EXCEEDED]: "try again with a longer --timeout",
  [status.RESOURCE_EXHAUSTED]: "ask for less at once",
};

/**
 * The detail the coordinator attached, or undefined when it attached none. A code this version does not know
 * becomes `internal`; its message stands.
 */
export function attachedDetail(error: ServiceError): MusterError | undefined {
  const [value] = error.metadata.get(ERROR_DETAIL_KEY);
  if (value === undefined) return undefined;
  let detail: ErrorDetail;
  try {
    detail = ErrorDetail.decode(Buffer.from(value));
  } catch (cause) {
    return new MusterError("internal", error.details, { cause });
  }
  return new MusterError(isErrorCode(detail.code) ? detail.code : "internal", detail.message, {
    ...(detail.cause === "" ? {} : { cause: new Error(detail.cause) }),
    ...(detail.hint === "" ? {} : { hint: detail.hint }),
    reasons: detail.reasons,
  });
}

/** `doing`: "show vm web-1". */
export function callError(error: ServiceError, doing: string): MusterError {
  const hint = hintByStatus[error.code];
  return (
    attachedDetail(error) ??
    new MusterError(codeByStatus[error.code], `cannot ${doing}`, {
      cause: new Error(error.details),
      ...(hint === undefined ? {} : { hint }),
    })
  );
}

/** gRPC's errors are Errors with a status; anything else that is thrown is a bug. */
export const isServiceError = (error: unknown): error is ServiceError =>
  error instanceof Error && "code" in error && "details" in error && "metadata" in error;

/**
 * The stream or the connection broke, and the coordinator said nothing about it. INTERNAL and UNKNOWN are how HTTP/2
 * resets arrive; CANCELLED comes from a coordinator that is shutting down.
 */
const brokenStatuses: ReadonlySet<status> = new Set([
  status.UNAVAILABLE,
  status.CANCELLED,
  status.INTERNAL,
  status.UNKNOWN,
]);

export const isBroken = (error: ServiceError): boolean =>
  brokenStatuses.has(error.code) && error.metadata.get(ERROR_DETAIL_KEY).length === 0;
