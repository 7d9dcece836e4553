/** Starts and stops what is measured: the coordinator as it is installed, fleets of agents, the command line. */
import { fork, spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Answered, FleetQuestion, FleetStatus } from "./fleet-messages.ts";

const root = join(import.meta.dirname, "../..");
const dist = join(root, "dist");

/** As in deploy/systemd/muster-coordinator.service. */
const COORDINATOR_FLAGS: readonly string[] = [];

const READY_MS = 60_000;

export interface CoordinatorOptions {
  readonly directory: string;
  readonly dataDirectory: string;
  readonly port: number;
  readonly heartbeatMs: number;
  /** Writes a CPU profile there when it ends. */
  readonly profileDirectory?: string;
}

export class CoordinatorProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly socketPath: string;
  readonly ended: Promise<void>;
  #output = "";

  constructor(options: CoordinatorOptions) {
    const program = join(dist, "muster-coordinator.mjs");
    if (!existsSync(program)) throw new Error(`${program} is missing: npm run build`);
    const { directory, dataDirectory, port, heartbeatMs, profileDirectory } = options;
    this.socketPath = join(directory, "coordinator.sock");
    const profile =
      profileDirectory === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDirectory}`];
    this.child = spawn(
      process.execPath,
      [
        ...COORDINATOR_FLAGS,
        ...profile,
        program,
        "run",
        ...["--data-directory", dataDirectory],
        ...["--socket", this.socketPath],
        ...["--listen.host", "127.0.0.1"],
        ...["--listen.port", String(port)],
        ...["--agent-addresses", `https://127.0.0.1:${String(port)}`],
        ...["--metrics.port", "0"],
        ...["--sessions.heartbeat", `${String(heartbeatMs)}ms`],
        // Sampling is the agents' own work, and would only cost the fleet.
        ...["--sessions.sample", "30s"],
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    if (this.child.pid === undefined) throw new Error("the coordinator could not be started");
    this.pid = this.child.pid;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString("utf8")).slice(-65_536);
    };
    this.child.stdout?.on("data", keep);
    this.child.stderr?.on("data", keep);
    this.ended = new Promise((resolve) => this.child.once("exit", () => resolve()));
  }

  async ready(): Promise<void> {
    const endMs = performance.now() + READY_MS;
    while (!this.#output.includes('"coordinator ready"')) {
      if (this.child.exitCode !== null || performance.now() > endMs) {
        throw new Error(`the coordinator is not ready:\n${this.#output}`);
      }
      await pause(2);
    }
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    await this.ended;
  }
}

export const pause = (durationMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, durationMs));

export class FleetProcess {
  readonly child: ChildProcess;
  readonly #waiting = new Map<number, (status: FleetStatus) => void>();
  #asked = 0;

  constructor() {
    this.child = fork(join(import.meta.dirname, "fleet.ts"), { stdio: ["ignore", 2, 2, "ipc"] });
    this.child.on("message", (message) => {
      const { id, status } = message as Answered;
      this.#waiting.get(id)?.(status);
      this.#waiting.delete(id);
    });
  }

  ask(question: FleetQuestion): Promise<FleetStatus> {
    this.#asked += 1;
    const id = this.#asked;
    const answered = new Promise<FleetStatus>((resolve, reject) => {
      this.#waiting.set(id, resolve);
      this.child.once("exit", () => {
        reject(new Error("the fleet is gone"));
      });
    });
    this.child.send({ id, question });
    return answered.finally(() => this.child.removeAllListeners("exit"));
  }

  freeze(): void {
    this.child.kill("SIGSTOP");
  }

  thaw(): void {
    this.child.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await ended;
  }
}

/** The whole process: milliseconds from its start to its end, and what it printed. */
export async function runCli(
  socketPath: string,
  args: readonly string[],
): Promise<{ readonly wallMs: number; readonly bytes: number; readonly text: string }> {
  const beganMs = performance.now();
  const child = spawn(
    process.execPath,
    [join(dist, "muster.mjs"), "--coordinator", `unix://${socketPath}`, ...args],
    { stdio: ["ignore", "pipe", 2] },
  );
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise((resolve) => child.once("close", resolve));
  const wallMs = performance.now() - beganMs;
  if (code !== 0) throw new Error(`muster ${args.join(" ")} ended with ${String(code)}`);
  const whole = Buffer.concat(chunks);
  return { wallMs, bytes: whole.length, text: whole.toString("utf8") };
}
