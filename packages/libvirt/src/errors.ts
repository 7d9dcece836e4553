/** Everything this library throws on purpose, except the `reason` of a caller's own AbortSignal. */
import { errorCodes, errorDomains, errorLevels } from "./protocol/generated/error-names.ts";
import { nameOf, type NamesOf } from "./protocol/names.ts";

/** VIR_ERR_NO_DOMAIN is "noDomain"; "unknown" is a code of a newer libvirt than this library knows. */
export type LibvirtErrorCode = NamesOf<typeof errorCodes> | "unknown";
/** VIR_FROM_QEMU is "qemu". */
export type LibvirtErrorDomain = NamesOf<typeof errorDomains> | "unknown";
export type LibvirtErrorLevel = NamesOf<typeof errorLevels> | "unknown";

/** virError as it comes over the wire. */
export interface ErrorDetails {
  readonly code: number;
  readonly domain: number;
  readonly message: string | null;
  readonly level: number;
  readonly str1: string | null;
  readonly str2: string | null;
  readonly str3: string | null;
  readonly int1: number;
  readonly int2: number;
}

/** libvirt understood the call and refused it: virError with its numbers by name. */
export class LibvirtError extends Error {
  override readonly name = "LibvirtError";
  readonly code: LibvirtErrorCode;
  readonly codeNumber: number;
  readonly domain: LibvirtErrorDomain;
  readonly domainNumber: number;
  readonly level: LibvirtErrorLevel;
  readonly levelNumber: number;
  /** The call that failed, by libvirt's name of the remote procedure, for example `domainCreateWithFlags`. */
  readonly procedure: string;
  readonly details: ErrorDetails;

  constructor(details: ErrorDetails, procedure: string) {
    super(details.message ?? `${procedure}: libvirt error ${details.code}`);
    this.code = nameOf(errorCodes, details.code);
    this.codeNumber = details.code;
    this.domain = nameOf(errorDomains, details.domain);
    this.domainNumber = details.domain;
    this.level = nameOf(errorLevels, details.level);
    this.levelNumber = details.level;
    this.procedure = procedure;
    this.details = details;
  }
}

/** True if `error` is libvirt's answer with this code: `isLibvirtError(error, "noDomain")`. */
export function isLibvirtError(
  error: unknown,
  ...codes: LibvirtErrorCode[]
): error is LibvirtError {
  return error instanceof LibvirtError && (codes.length === 0 || codes.includes(error.code));
}

/** The connection ended before the answer came. Every waiter gets one. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionLostError";
  /** True if the call had been sent: then it may have had its effect. False: it certainly had none. */
  readonly sent: boolean;

  constructor(message: string, options: { readonly sent: boolean; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.sent = options.sent;
  }
}

/** No connection came about: there is no daemon to talk to, or no way to it. */
export class DialError extends Error {
  override readonly name = "DialError";
  /** The operating system's, for example "ENOENT" or "ECONNREFUSED"; empty if it is none of these. */
  readonly code: string;

  constructor(cause: Error, hint: string) {
    super(`${cause.message}${hint === "" ? "" : `: ${hint}`}`, { cause });
    this.code = (cause as NodeJS.ErrnoException).code ?? "";
  }
}

/** The deadline passed. The call may still finish in the daemon if it had been sent. */
export class CallTimeoutError extends Error {
  override readonly name = "CallTimeoutError";
  readonly procedure: string;
  readonly timeoutMs: number;
  readonly sent: boolean;

  constructor(call: { procedure: string; timeoutMs: number; sent: boolean }) {
    super(`${call.procedure} was not answered within ${call.timeoutMs} ms`);
    this.procedure = call.procedure;
    this.timeoutMs = call.timeoutMs;
    this.sent = call.sent;
  }
}

/** The peer sent something that is not libvirt's protocol. The connection is closed. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** The daemon asks for an authentication that we cannot give, or refused ours. */
export class AuthenticationError extends Error {
  override readonly name = "AuthenticationError";
}

/** The call passes file descriptors to or from the daemon, and Node has no way to send one over a socket. */
export class FileDescriptorError extends Error {
  override readonly name = "FileDescriptorError";
  /** libvirt's function, for example `virDomainOpenGraphicsFD`. */
  readonly function: string;

  constructor(name: string, instead: string) {
    super(`${name} passes file descriptors, which Node cannot send over a socket; ${instead}`);
    this.function = name;
  }
}

/** The reader of events was so slow that its bounded buffer filled up: list again, then subscribe again. */
export class EventOverflowError extends Error {
  override readonly name = "EventOverflowError";
}

/**
 * Makes the stack of an error show who made the call, not the socket that brought the answer. To be used where the
 * call is awaited; costs nothing while there is no error. A caller's own error is left as it is.
 */
export function retraced(error: unknown): unknown {
  const isOurs =
    error instanceof LibvirtError ||
    error instanceof ConnectionLostError ||
    error instanceof CallTimeoutError;
  if (isOurs) Error.captureStackTrace(error, retraced);
  return error;
}
