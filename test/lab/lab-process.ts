/** A long-running program in a machine of the lab: a daemon under test, Prometheus, a CLI that follows events. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { childrenOf, plainEnvironment, sendSignal } from "./command.ts";
import { commandLineOf } from "./process-record.ts";
import { waitFor } from "./waiting.ts";

export interface LabProcessExit {
  readonly code: number | null;
  readonly signal: string | null;
}

const START_TIMEOUT_MS = 10_000;

/** After SIGTERM. Longer hides a daemon that does not end; shorter kills one that does on a busy machine. */
const GRACE_MS = 5_000;

export class LabProcess implements AsyncDisposable {
  /** Standard output and error, outside the machine. Appended to over restarts. */
  readonly logFile: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<LabProcessExit>;
  #isOver = false;

  /** @param argv begins with the nsenter command that enters the machine */
  constructor(argv: readonly string[], logFile: string, env: Readonly<Record<string, string>>) {
    const log = openSync(logFile, "a");
    this.logFile = logFile;
    this.#child = spawn(argv[0] ?? "", argv.slice(1), {
      env: { ...plainEnvironment(), ...env },
      stdio: ["ignore", log, log],
      // Out of our process group: Ctrl-C in a terminal is for the lab command, not for the lab.
      detached: true,
    });
    closeSync(log);
    this.#exited = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("exit", (code, signal) => {
        this.#isOver = true;
        resolve({ code, signal });
      });
    });
    // Whoever waits for `exited` gets the error too; one that nobody waits for must not end the process.
    this.#exited.catch(heardElsewhere);
    // Our own program may end before it; whoever waits for `exited` waits.
    this.#child.unref();
  }

  get exited(): Promise<LabProcessExit> {
    this.#child.ref();
    return this.#exited;
  }

  get isRunning(): boolean {
    return !this.#isOver;
  }

  /**
   * The program's own pid, seen from outside the machine (nsenter's is another).
   * @throws Error when it has ended
   */
  async pid(): Promise<number> {
    const pid = await this.#ownPid();
    if (pid === "ended") throw new Error(`the program has ended, see ${this.logFile}`);
    return pid;
  }

  /** Signals the program itself. Does nothing when it has ended. */
  async kill(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const pid = await this.#ownPid();
    if (pid !== "ended") sendSignal(pid, signal);
  }

  /** Waits for the moment between nsenter's start and the program's, and for that between the program's end and nsenter's. */
  async #ownPid(): Promise<number | "ended"> {
    const look = (): number | "ended" | undefined => {
      if (this.#isOver) return "ended";
      const pid = childrenOf(this.#child.pid ?? 0)[0];
      return pid === undefined || isStillEntering(pid) ? undefined : pid;
    };
    return waitFor("the program to start", look, { timeoutMs: START_TIMEOUT_MS, everyMs: 5 });
  }

  /** SIGTERM, then SIGKILL after `graceMs`. Gives the exit code; undefined when a signal ended it. */
  async stop({ graceMs = GRACE_MS }: { readonly graceMs?: number } = {}): Promise<
    number | undefined
  > {
    await this.kill("SIGTERM");
    const timer = setTimeout(() => {
      const pid = childrenOf(this.#child.pid ?? 0)[0];
      if (pid !== undefined) sendSignal(pid, "SIGKILL");
    }, graceMs);
    try {
      return (await this.exited).code ?? undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) await this.stop();
  }
}

/** Has the process not become its program yet, or has it ended already? */
function isStillEntering(pid: number): boolean {
  const command = commandLineOf(pid);
  // As machine.ts enters a machine: nsenter forks, its child becomes env, and that the program.
  return command === "" || command.startsWith("nsenter\0") || command.startsWith("env\0-C\0");
}

function heardElsewhere(): void {
  // The error reaches everybody who waits for the promise itself.
}
