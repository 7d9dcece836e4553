/**
 * The only place where MusterError codes and gRPC statuses meet. An error travels whole, as an encoded
 * muster.v1.ErrorDetail in the trailing metadata; the status is for programs that do not know muster.
 */
import { Metadata, status, type ServiceError, type StatusObject } from "@grpc/grpc-js";
import {
  causeText,
  errorFrom,
  isErrorCode,
  isMusterError,
  MusterError,
  type ErrorCode,
} from "@muster/model";
import { ErrorDetail } from "@muster/proto/types";

type FailureStatus = Exclude<status, status.OK>;

/** A code without a status does not compile. */
export const grpcStatusOf: Readonly<Record<ErrorCode, FailureStatus>> = {
  invalid: status.INVALID_ARGUMENT,
  "not-found": status.NOT_FOUND,
  "already-exists": status.ALREADY_EXISTS,
  "wrong-state": status.FAILED_PRECONDITION,
  "no-placement": status.FAILED_PRECONDITION,
  busy: status.ABORTED,
  "version-conflict": status.ABORTED,
  "host-offline": status.UNAVAILABLE,
  timeout: status.DEADLINE_EXCEEDED,
  "hypervisor-failed": status.INTERNAL,
  "network-failed": status.INTERNAL,
  cancelled: status.CANCELLED,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  interrupted: status.ABORTED,
  "limit-exceeded": status.RESOURCE_EXHAUSTED,
  "version-mismatch": status.UNIMPLEMENTED,
  "not-leader": status.UNAVAILABLE,
  unreachable: status.UNAVAILABLE,
  "storage-failed": status.INTERNAL,
  internal: status.INTERNAL,
};

/** What a bare status means to us: made by gRPC itself, or by a program that is not muster. */
const codeOfStatus: Readonly<Record<FailureStatus, ErrorCode>> = {
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
  [status.DATA_LOSS]: "storage-failed",
  [status.UNAUTHENTICATED]: "unauthenticated",
};

export const ERROR_METADATA_KEY = "muster-error-bin";
/** Beside the error of a coordinator that does not lead: where the leader is, an address a value. */
const LEADER_METADATA_KEY = "muster-leader";
/** Of one coordinator; more than this is no answer of ours. */
const LEADER_ADDRESSES_MAX = 16;
/** What metadata carries as it is: ASCII; and no comma, which joins the values of one key. */
const PLAIN = /^[!-+\--~]{1,300}$/;

/**
 * Bytes of one encoded error. Trailers longer than 64 KiB are refused by HTTP/2 peers, and base64 adds a third;
 * a smaller limit would cut the reasons of a placement refused by some hundred hosts.
 */
const ERROR_BYTES_MAX = 32 * 1024;
/** Characters of each single text within an error. */
const TEXT_LENGTH_MAX = 2_000;
/** Characters of the plain status message, which programs other than muster show. */
const STATUS_MESSAGE_LENGTH_MAX = 500;

/** The status and trailers that carry an error to the other side. */
export function encodeError(error: MusterError): StatusObject {
  const metadata = new Metadata();
  const detail = boundedDetail(error);
  metadata.set(ERROR_METADATA_KEY, Buffer.from(ErrorDetail.encode(detail).finish()));
  for (const address of error.leaderAddresses.slice(0, LEADER_ADDRESSES_MAX)) {
    if (PLAIN.test(address)) metadata.add(LEADER_METADATA_KEY, address);
  }
  const details = bounded(error.message, STATUS_MESSAGE_LENGTH_MAX);
  return { code: grpcStatusOf[error.code], details, metadata };
}

/**
 * A call's failure as the MusterError that caused it. When the failure is gRPC's own (no connection, deadline
 * over) the error says `doing`, "Admin/GetCluster on https://c:7443", and its cause is what gRPC says.
 */
export function decodeError(failure: Partial<StatusObject>, doing?: string): MusterError {
  const [encoded] = failure.metadata?.get(ERROR_METADATA_KEY) ?? [];
  if (Buffer.isBuffer(encoded)) return decodeDetail(encoded, leaderAddressesOf(failure.metadata));
  const code = codeOf(failure.code);
  const details = failure.details ?? "";
  if (doing === undefined)
    return new MusterError(code, details === "" ? "no reason was given" : details);
  return new MusterError(
    code,
    `failed: ${doing}`,
    details === "" ? {} : { cause: new Error(details) },
  );
}

/** The same for what iterating a call throws: a gRPC failure, or one of the stream itself. */
export function decodeThrown(thrown: unknown, doing: string): MusterError {
  if (isMusterError(thrown)) return thrown;
  if (isServiceError(thrown)) return decodeError(thrown, doing);
  return new MusterError("unreachable", `failed: ${doing}`, { cause: thrown });
}

/** What a handler threw, as it may leave this process: bugs do not show their insides. */
export function publicError(error: unknown, method: string): MusterError {
  if (isMusterError(error)) return error;
  return new MusterError("internal", `internal error in ${method}`, {
    cause: error,
    hint: "see the log of the program that answered",
  });
}

const isServiceError = (thrown: unknown): thrown is ServiceError =>
  thrown instanceof Error && "metadata" in thrown && thrown.metadata instanceof Metadata;

/** True for errors that somebody should look at, as opposed to refusals. */
export const isBug = (error: unknown): boolean =>
  !isMusterError(error) || error.code === "internal";

function codeOf(code: status | undefined): ErrorCode {
  if (code === undefined || code === status.OK) return "internal";
  return Object.hasOwn(codeOfStatus, code) ? codeOfStatus[code] : "internal";
}

const leaderAddressesOf = (metadata: Metadata | undefined): readonly string[] =>
  (metadata?.get(LEADER_METADATA_KEY) ?? [])
    .flatMap((value) => String(value).split(","))
    .map((address) => address.trim())
    .filter((address) => PLAIN.test(address))
    .slice(0, LEADER_ADDRESSES_MAX);

function decodeDetail(encoded: Buffer, leaderAddresses: readonly string[]): MusterError {
  let detail: ErrorDetail;
  try {
    detail = ErrorDetail.decode(encoded);
  } catch (cause) {
    return new MusterError("internal", "the other side sent an error that cannot be read", {
      cause,
    });
  }
  // A newer program may know codes that we do not; its words are still worth showing.
  const code = isErrorCode(detail.code) ? detail.code : "internal";
  return errorFrom({ ...detail, code }, leaderAddresses);
}

function boundedDetail(error: MusterError): ErrorDetail {
  // The cause of an internal error stays in the log of the program it happened in.
  const cause = error.code === "internal" ? "" : bounded(causeText(error), TEXT_LENGTH_MAX);
  const message = bounded(error.message, TEXT_LENGTH_MAX);
  const hint = bounded(error.hint ?? "", TEXT_LENGTH_MAX);
  let room = ERROR_BYTES_MAX - Buffer.byteLength(message + cause + hint);
  const reasons: string[] = [];
  for (const reason of error.reasons) {
    const text = bounded(reason, TEXT_LENGTH_MAX);
    room -= Buffer.byteLength(text) + 4;
    if (room < 0) {
      reasons.push(`… and ${String(error.reasons.length - reasons.length)} more`);
      break;
    }
    reasons.push(text);
  }
  return { code: error.code, message, cause, hint, reasons };
}

/** Well-formed, because percent-encoding half a surrogate pair throws. */
function bounded(text: string, lengthMax: number): string {
  const cut = text.length <= lengthMax ? text : `${text.slice(0, lengthMax)}…`;
  return cut.toWellFormed();
}
