/**
 * What `muster` tells the shell. Scripts depend on these numbers: they are never renumbered, and every error code
 * has one here or the program does not compile. `docs/exit-codes.md` in this package is this table for people.
 */
import type { ErrorCode } from "@muster/model";

export const exitCodes = {
  ok: 0,
  /** A bug, or an answer this version does not understand. */
  internal: 1,
  /** Wrong flags, or a request that is wrong in itself. */
  invalid: 2,
  notFound: 3,
  /** A right request at the wrong time: state, conflict, busy. */
  refused: 4,
  /** No host fits. */
  noPlacement: 5,
  /** The work was begun and failed. */
  failed: 6,
  cancelled: 7,
  /** The coordinator does not answer. */
  unreachable: 8,
  notPermitted: 9,
  /** Ctrl-C while waiting, as shells have it (128 + SIGINT): the operation goes on. */
  detached: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const byErrorCode: Readonly<Record<ErrorCode, ExitCode>> = {
  invalid: exitCodes.invalid,
  "not-found": exitCodes.notFound,
  "already-exists": exitCodes.refused,
  "wrong-state": exitCodes.refused,
  "no-placement": exitCodes.noPlacement,
  busy: exitCodes.refused,
  "version-conflict": exitCodes.refused,
  "host-offline": exitCodes.refused,
  timeout: exitCodes.unreachable,
  "hypervisor-failed": exitCodes.failed,
  "network-failed": exitCodes.failed,
  cancelled: exitCodes.cancelled,
  unauthenticated: exitCodes.notPermitted,
  forbidden: exitCodes.notPermitted,
  interrupted: exitCodes.failed,
  "limit-exceeded": exitCodes.refused,
  "version-mismatch": exitCodes.internal,
  "not-leader": exitCodes.unreachable,
  unreachable: exitCodes.unreachable,
  "storage-failed": exitCodes.failed,
  internal: exitCodes.internal,
};

/** Of a request that was refused. An operation that failed is `operationExitCode`. */
export const exitCodeOf = (code: ErrorCode): ExitCode => byErrorCode[code];
