/** Starts a program, waits until it is ready, and measures it for a while. */
import { spawn, type ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { cpuSecondsReader, readMemory, type MemoryUse } from "./proc.ts";

export interface FootprintRequest {
  readonly command: readonly [string, ...string[]];
  /** Ready when a line of its output matches, or when the address answers. Neither: at once. */
  readonly ready?: { readonly line: RegExp } | { readonly url: string };
  /** Longest wait for readiness, in milliseconds. */
  readonly readyTimeoutMs: number;
  /** Pause between readiness and measuring, in milliseconds. */
  readonly settleMs: number;
  /** How long CPU time is counted, in milliseconds. */
  readonly windowMs: number;
}

export interface Footprint extends MemoryUse {
  readonly startUpMs: number;
  /** Of one core, 0 to 1 and above. */
  readonly cpuShare: number;
  /** The largest seen. */
  readonly peakResidentBytes: number;
}

interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly output: () => string;
}

function start([program, ...args]: FootprintRequest["command"]): Started {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk: Buffer): void => {
    // Enough to find a line and to explain an early end.
    output = (output + chunk.toString("utf8")).slice(-65_536);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  if (child.pid === undefined) throw new Error(`${program} could not be started`);
  return { child, pid: child.pid, output: () => output };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1000) })).ok;
  } catch (error) {
    // Not listening yet; anything else is a mistake of ours.
    if (error instanceof TypeError || (error instanceof Error && error.name === "TimeoutError")) {
      return false;
    }
    throw error;
  }
}

async function isReady(started: Started, ready: FootprintRequest["ready"]): Promise<boolean> {
  if (ready === undefined) return true;
  return "line" in ready ? ready.line.test(started.output()) : answers(ready.url);
}

async function waitUntilReady(started: Started, request: FootprintRequest): Promise<void> {
  const deadline = performance.now() + request.readyTimeoutMs;
  while (!(await isReady(started, request.ready))) {
    if (started.child.exitCode !== null) {
      throw new Error(`the program ended before it was ready:\n${started.output()}`);
    }
    if (performance.now() > deadline) {
      throw new Error(`the program was not ready in time:\n${started.output()}`);
    }
    await delay(5);
  }
}

async function stop({ child }: Started): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const patience = AbortSignal.timeout(10_000);
  patience.addEventListener("abort", () => child.kill("SIGKILL"));
  await ended;
}

/** Memory once a second while CPU time is counted. */
async function watch(pid: number, windowMs: number): Promise<Omit<Footprint, "startUpMs">> {
  const cpuSeconds = cpuSecondsReader(pid);
  const [cpuBefore, startedAt] = [cpuSeconds(), performance.now()];
  let peakResidentBytes = 0;
  while (performance.now() - startedAt < windowMs) {
    await delay(Math.min(1000, windowMs));
    peakResidentBytes = Math.max(peakResidentBytes, readMemory(pid).residentBytes);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuShare = (cpuSeconds() - cpuBefore) / seconds;
  return { ...readMemory(pid), cpuShare, peakResidentBytes };
}

/** Throws when the program ends by itself or never gets ready. */
export async function measureFootprint(request: FootprintRequest): Promise<Footprint> {
  const startedAt = performance.now();
  const started = start(request.command);
  try {
    await waitUntilReady(started, request);
    const startUpMs = performance.now() - startedAt;
    await delay(request.settleMs);
    if (started.child.exitCode !== null) {
      throw new Error(`the program ended by itself:\n${started.output()}`);
    }
    return { startUpMs, ...(await watch(started.pid, request.windowMs)) };
  } finally {
    await stop(started);
  }
}

/** Measures a process that runs already. */
export const measureRunning = watch;
