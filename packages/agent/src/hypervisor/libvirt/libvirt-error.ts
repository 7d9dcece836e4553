/**
 * libvirt's errors → ours. The code is chosen by libvirt's error number, never by its text, which stays the cause.
 */
import { isMusterError, MusterError, type ErrorCode } from "@muster/model";
import {
  AuthenticationError,
  CallTimeoutError,
  ConnectionLostError,
  DialError,
  isLibvirtError,
  ProtocolError,
  type LibvirtErrorCode,
} from "node-libvirt";

const codes: Partial<Record<LibvirtErrorCode, ErrorCode>> = {
  noDomain: "not-found",
  domExist: "already-exists",
  operationInvalid: "wrong-state",
  operationAborted: "cancelled",
  // "cannot acquire state change lock": another job has it.
  operationTimeout: "busy",
  resourceBusy: "busy",
  noStoragePool: "storage-failed",
  noStorageVol: "storage-failed",
  invalidStoragePool: "storage-failed",
  invalidStorageVol: "storage-failed",
  storageVolExist: "storage-failed",
  accessDenied: "forbidden",
  operationDenied: "forbidden",
  authFailed: "forbidden",
};

/** `doing` completes "failed to …" and names the thing. What is a MusterError already stays as it is. */
export function failedTo(doing: string, error: unknown): MusterError {
  if (isMusterError(error)) return error;
  return new MusterError(codeOf(error), `failed to ${doing}`, { cause: error });
}

function codeOf(error: unknown): ErrorCode {
  if (isLibvirtError(error)) return codes[error.code] ?? "hypervisor-failed";
  if (error instanceof ConnectionLostError) return "unreachable";
  if (error instanceof CallTimeoutError) return "timeout";
  if (error instanceof AuthenticationError) return "forbidden";
  if (error instanceof ProtocolError) return "hypervisor-failed";
  if (error instanceof DialError) return "unreachable";
  return "internal";
}

/** Runs libvirt calls on behalf of `doing`. */
export async function attempt<Result>(
  doing: string,
  calls: () => Promise<Result>,
): Promise<Result> {
  try {
    return await calls();
  } catch (error) {
    throw failedTo(doing, error);
  }
}

/** The value, or undefined when libvirt refuses with one of these codes. */
export async function unlessRefused<Result>(
  call: Promise<Result>,
  ...expected: readonly LibvirtErrorCode[]
): Promise<Result | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isLibvirtError(error, ...expected)) return undefined;
    throw error;
  }
}
