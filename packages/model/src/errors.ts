/**
 * The one error class and its closed table of codes. A code exists when some caller acts differently on it;
 * whether to retry is looked up here, the gRPC status in `runtime/grpc/status.ts`, the exit code in the CLI.
 */

export const errorCodes = {
  /** A request is wrong in itself; the message names the field and the fix. */
  invalid: { retry: false },
  "not-found": { retry: false },
  "already-exists": { retry: false },
  /** Right request, wrong time: the thing is in a state that does not allow it. */
  "wrong-state": { retry: false },
  /** No host fits; reasons say why for every host. */
  "no-placement": { retry: false },
  /** Something else works on the same thing; try again when it ended. */
  busy: { retry: true },
  /** Read again, then decide again. */
  "version-conflict": { retry: true },
  /** The host is not connected. */
  "host-offline": { retry: true },
  /** The host did not answer in time. */
  timeout: { retry: true },
  /** libvirt or QEMU said no. */
  "hypervisor-failed": { retry: false },
  /** Bridges or switches said no. */
  "network-failed": { retry: false },
  /** Somebody asked to stop it. */
  cancelled: { retry: false },
  /** No certificate, a wrong one, or a wrong or spent secret. */
  unauthenticated: { retry: false },
  /** A good certificate that may not do this. */
  forbidden: { retry: false },
  /** The process restarted in the middle and cannot tell what became of it. */
  interrupted: { retry: true },
  /** A limit of muster itself: queue, message or list too long. */
  "limit-exceeded": { retry: false },
  /** The other side speaks another version. */
  "version-mismatch": { retry: false },
  /** This coordinator is a standby; the hint names the leader, if there is one. */
  "not-leader": { retry: true },
  /** The coordinator cannot be reached. */
  unreachable: { retry: true },
  /** A disk is full or not writable. */
  "storage-failed": { retry: false },
  /** A bug in muster. */
  internal: { retry: false },
} as const;

export type ErrorCode = keyof typeof errorCodes;

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorCodes, text);

export interface MusterErrorOptions {
  readonly cause?: unknown;
  /** What to do about it. */
  readonly hint?: string;
  /** Structured reasons, one sentence each. */
  readonly reasons?: readonly string[];
  /** With `not-leader`: where the leader is, as agents dial it. */
  readonly leaderAddresses?: readonly string[];
}

/** `message` says what was being done and to what; `cause` says why it failed. */
export class MusterError extends Error {
  override readonly name = "MusterError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly reasons: readonly string[];
  readonly leaderAddresses: readonly string[];

  constructor(code: ErrorCode, message: string, options: MusterErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.reasons = options.reasons ?? [];
    this.leaderAddresses = options.leaderAddresses ?? [];
  }
}

/** A failure as data: what is stored with an operation and sent over the wire. */
export interface ErrorDetail {
  readonly code: ErrorCode;
  readonly message: string;
  /** The cause's own words; empty when there is none. */
  readonly cause: string;
  readonly hint: string;
  readonly reasons: readonly string[];
}

/** A field that a person can correct. */
export function invalid(field: string, problem: string, hint?: string): MusterError {
  return new MusterError("invalid", `${field}: ${problem}`, hint === undefined ? {} : { hint });
}

export const isMusterError = (error: unknown): error is MusterError => error instanceof MusterError;

/** What somebody threw that is not an Error. */
function thrownText(thrown: unknown): string {
  return typeof thrown === "string" ? thrown : `a thrown ${typeof thrown}`;
}

/** The chain of causes in one line, outermost first, without what the first message already says. */
export function causeText(error: unknown): string {
  const texts: string[] = [];
  let current: unknown = error instanceof Error ? error.cause : undefined;
  // A chain longer than this is a loop or noise.
  for (let depth = 0; depth < 8 && current !== undefined; depth += 1) {
    texts.push(current instanceof Error ? current.message : thrownText(current));
    current = current instanceof Error ? current.cause : undefined;
  }
  return texts.join(": ");
}

export function detailOf(error: unknown): ErrorDetail {
  if (isMusterError(error)) {
    return {
      code: error.code,
      message: error.message,
      cause: causeText(error),
      hint: error.hint ?? "",
      reasons: error.reasons,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "internal", message, cause: causeText(error), hint: "", reasons: [] };
}

export function errorFrom(
  detail: ErrorDetail,
  leaderAddresses: readonly string[] = [],
): MusterError {
  return new MusterError(detail.code, detail.message, {
    ...(detail.cause === "" ? {} : { cause: new Error(detail.cause) }),
    ...(detail.hint === "" ? {} : { hint: detail.hint }),
    reasons: detail.reasons,
    leaderAddresses,
  });
}
