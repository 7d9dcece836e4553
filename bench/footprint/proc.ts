/** What Linux says of a process. The parsers are pure. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface MemoryUse {
  readonly residentBytes: number;
  /** What would be free if the process ended: pages nobody shares. */
  readonly privateBytes: number;
  /** Shared pages divided by those who share them. */
  readonly proportionalBytes: number;
}

/** `/proc/PID/smaps_rollup`. */
export function parseSmapsRollup(text: string): MemoryUse {
  const field = (name: string): number => {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text);
    if (match?.[1] === undefined) throw new Error(`smaps_rollup has no ${name}`);
    return Number(match[1]) * 1024;
  };
  return {
    residentBytes: field("Rss"),
    privateBytes: field("Private_Clean") + field("Private_Dirty"),
    proportionalBytes: field("Pss"),
  };
}

/** CPU time of `/proc/PID/stat` in clock ticks, user and system. The program's name may hold anything. */
export function parseStatTicks(text: string): number {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  // proc(5) counts from 1 and the first two are cut off: utime is 14, stime 15.
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  if (!Number.isInteger(user) || !Number.isInteger(system)) throw new Error("stat is odd");
  return user + system;
}

export const readMemory = (pid: number): MemoryUse =>
  parseSmapsRollup(readFileSync(`/proc/${String(pid)}/smaps_rollup`, "utf8"));

const ticksPerSecond = (): number =>
  Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }).trim());

/** CPU time so far, in seconds. */
export function cpuSecondsReader(pid: number): () => number {
  const perSecond = ticksPerSecond();
  return () => parseStatTicks(readFileSync(`/proc/${String(pid)}/stat`, "utf8")) / perSecond;
}
