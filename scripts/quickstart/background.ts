/**
 * Processes that run on when the quickstart has ended. Each records itself in a file before it is anything
 * (test/lab/shell/spawn.sh), so `down` finds it whatever happened to the quickstart.
 */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sendSignal } from "../../test/lab/command.ts";
import { isAlive, readRecord, type ProcessRecord } from "../../test/lab/process-record.ts";
import { waitFor } from "../../test/lab/waiting.ts";

const recorder = join(import.meta.dirname, "../../test/lab/shell/spawn.sh");

const START_TIMEOUT_MS = 10_000;
/** After SIGTERM; then SIGKILL. */
const GRACE_MS = 5_000;

/** Of the log of a program that ended. */
const LINES_SHOWN = 5;

export interface BackgroundProgram {
  readonly argv: readonly string[];
  readonly logFile: string;
  /** Written to its standard input. */
  readonly input?: string;
}

export class Background {
  readonly #directory: string;

  /** @param directory where the records are */
  constructor(directory: string) {
    this.#directory = directory;
  }

  record(name: string): string {
    return join(this.#directory, name);
  }

  /** @throws Error when it ends at once. */
  async start(name: string, program: BackgroundProgram): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await mkdir(dirname(program.logFile), { recursive: true });
    const log = openSync(program.logFile, "a");
    const record = this.record(name);
    const child = spawn("sh", [recorder, record, ...program.argv], {
      stdio: ["pipe", log, log],
      // Ctrl-C in the terminal is for the quickstart.
      detached: true,
    });
    closeSync(log);
    let failure: Error | undefined;
    child.once("error", (error) => (failure = error));
    // One that ends before it has read is found by whoever needs it; its log says why.
    child.stdin?.on("error", () => child.stdin?.destroy());
    child.stdin?.end(program.input ?? "");
    const look = (): boolean => {
      if (failure !== undefined) throw failure;
      return existsSync(record);
    };
    await waitFor(`${name} to start`, look, { timeoutMs: START_TIMEOUT_MS, everyMs: 5 });
    child.unref();
  }

  /** @throws Error with the end of its log when it has ended. */
  checkRunning(name: string, logFile: string): void {
    const record = readRecord(this.record(name));
    if (record !== undefined && isAlive(record)) return;
    const lines = readFileSync(logFile, "utf8").trimEnd().split("\n");
    throw new Error(`${name} ended at once:\n${lines.slice(-LINES_SHOWN).join("\n")}`);
  }

  /** Ends all of them. Gives the names of those that ran. */
  async stopAll(): Promise<readonly string[]> {
    const names = existsSync(this.#directory) ? await readdir(this.#directory) : [];
    const stopped: string[] = [];
    for (const name of names) {
      const record = readRecord(this.record(name));
      if (record !== undefined && isAlive(record)) {
        await end(name, record);
        stopped.push(name);
      }
      await rm(this.record(name), { force: true });
    }
    return stopped;
  }
}

async function end(name: string, record: ProcessRecord): Promise<void> {
  sendSignal(record.pid, "SIGTERM");
  const killAtMs = performance.now() + GRACE_MS;
  const look = (): boolean => {
    if (performance.now() > killAtMs && isAlive(record)) sendSignal(record.pid, "SIGKILL");
    return !isAlive(record);
  };
  await waitFor(`${name} to end`, look, { timeoutMs: 2 * GRACE_MS, everyMs: 20 });
}
