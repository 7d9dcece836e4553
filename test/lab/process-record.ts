/**
 * Which processes are the lab's: files that hold "PID STARTTIME", written by the process itself
 * (shell/spawn.sh) before it does anything. Only a process whose start time still agrees is ever signalled,
 * so a pid that the kernel gave to somebody else is safe.
 */
import { readFileSync } from "node:fs";
import { childrenOf, isGone, sendSignal } from "./command.ts";
import { waitFor } from "./waiting.ts";

export interface ProcessRecord {
  readonly pid: number;
  /** Clock ticks after boot, field 22 of /proc/PID/stat. */
  readonly startTime: string;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** The record of a process that runs now; undefined when there is none, or only a zombie. */
export function recordOf(pid: number): ProcessRecord | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The command name (field 2) may hold blanks and parentheses: field 3 follows the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, startTime] = [fields[0], fields[19]];
  if (state === "Z" || state === "X" || startTime === undefined) return undefined;
  return { pid, startTime };
}

export function readRecord(path: string): ProcessRecord | undefined {
  const [pid, startTime] = (readIfThere(path) ?? "").trim().split(" ");
  if (pid === undefined || startTime === undefined) return undefined;
  return { pid: Number(pid), startTime };
}

/** The arguments of a process, each ended by a zero byte; empty for a zombie and when there is none. */
export function commandLineOf(pid: number): string {
  return readIfThere(`/proc/${pid}/cmdline`) ?? "";
}

export function isAlive(record: ProcessRecord): boolean {
  return recordOf(record.pid)?.startTime === record.startTime;
}

/**
 * The pid 1 of the namespaces that a recorded `unshare --fork` made: its only child.
 * Undefined when either is gone or not there yet.
 */
export function namespaceInit(record: ProcessRecord): number | undefined {
  if (!isAlive(record)) return undefined;
  return childrenOf(record.pid)[0];
}

const END_TIMEOUT_MS = 20_000;

/** Ends a recorded `unshare --fork --kill-child` and with it every process in its pid namespace. */
export async function endNamespaces(record: ProcessRecord): Promise<void> {
  if (!isAlive(record)) return;
  const init = namespaceInit(record);
  const initRecord = init === undefined ? undefined : recordOf(init);
  // The child first: its parent then reaps it and ends by itself. Both, because there may be no child yet.
  if (initRecord !== undefined) sendSignal(initRecord.pid, "SIGKILL");
  sendSignal(record.pid, "SIGKILL");
  const gone = () =>
    !isAlive(record) &&
    (initRecord === undefined || recordOf(initRecord.pid)?.startTime !== initRecord.startTime);
  await waitFor(`process ${record.pid} to end`, gone, { timeoutMs: END_TIMEOUT_MS, everyMs: 10 });
}
