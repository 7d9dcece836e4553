/**
 * What stands around the hosts of a machine room: a watchdog in each, which resets it unless it is fed, and management
 * boards that switch power off, asked through a fence agent of the site's own. Both act on the host from outside, as
 * hardware does: a frozen host cannot hold them up.
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  writeFileSync,
} from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LabHost } from "./lab.ts";
import { commandLineOf } from "./process-record.ts";

const LOOK_MS = 50;

/** A FIFO in place of the device: what Linux's watchdogs understand is what is written to them. */
export class LabWatchdog implements AsyncDisposable {
  readonly #host: LabHost;
  readonly #timeoutMs: number;
  readonly #buffer = Buffer.alloc(4_096);
  #descriptor: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Undefined: not armed. */
  #fedAtMs: number | undefined;
  /** When it reset the host, of performance.now(). */
  firedAtMs: number | undefined;

  private constructor(host: LabHost, timeoutMs: number) {
    this.#host = host;
    this.#timeoutMs = timeoutMs;
  }

  /** Where the agent finds it, inside the host. */
  static readonly agentOptions = {
    "watchdog.device": "/srv/local/watchdog/device",
    "watchdog.sysfs": "/srv/local/watchdog",
    "lease-file": "/run/muster-lease",
  };

  static async in(host: LabHost, timeoutSeconds: number): Promise<LabWatchdog> {
    const watchdog = new LabWatchdog(host, timeoutSeconds * 1_000);
    const directory = join(host.directory, "srv/local/watchdog");
    await mkdir(directory, { recursive: true });
    const device = join(directory, "device");
    await rm(device, { force: true });
    execFileSync("mkfifo", ["-m", "600", device]);
    await writeFile(join(directory, "timeout"), `${String(timeoutSeconds)}\n`);
    // Read and write: the FIFO then never ends, whoever closes it.
    watchdog.#descriptor = openSync(device, constants.O_RDWR | constants.O_NONBLOCK);
    watchdog.#timer = setInterval(() => {
      watchdog.#look();
    }, LOOK_MS);
    return watchdog;
  }

  get isArmed(): boolean {
    return this.#fedAtMs !== undefined;
  }

  #look(): void {
    const said = this.#read();
    if (said !== "") this.#fedAtMs = said.endsWith("V") ? undefined : performance.now();
    if (this.#fedAtMs === undefined) return;
    if (performance.now() - this.#fedAtMs < this.#timeoutMs) return;
    this.#fedAtMs = undefined;
    this.firedAtMs = performance.now();
    void this.#reset();
  }

  /**
   * A frozen host's processes end at once, but those that were entered from outside wait for whoever entered them, who
   * stands still with them: a machine has no such people.
   */
  async #reset(): Promise<void> {
    const [program = "", ...target] = this.#host.enterCommand().slice(0, 3);
    const off = this.#host.crash();
    const entered = `${[program, ...target].join("\0")}\0`;
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      if (commandLineOf(Number(pid))?.startsWith(entered) === true) {
        process.kill(Number(pid), "SIGKILL");
      }
    }
    await off;
  }

  #read(): string {
    if (this.#descriptor === undefined) return "";
    try {
      const bytes = readSync(this.#descriptor, this.#buffer);
      return this.#buffer.toString("latin1", 0, bytes);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return "";
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** Reads what it is told on standard input, as every fence agent does, and asks the board by a file. */
const fenceAgent = (directory: string): string => `#!/bin/sh
while IFS= read -r line; do
  case $line in
    action=*) action=\${line#*=} ;;
    plug=*) plug=\${line#*=} ;;
  esac
done
case $action in
  off) : >"${directory}/$plug.wanted-off" ;;
  status) [ ! -e "${directory}/$plug.off" ] || exit 2 ;;
  *) echo "fence_lab: $action?" >&2; exit 1 ;;
esac
`;

/** The management boards of a lab's hosts. */
export class LabBoards implements AsyncDisposable {
  /** Of the fence agent; the coordinator is told to look for agents here. */
  readonly directory: string;
  readonly #hosts: readonly LabHost[];
  readonly #timer: NodeJS.Timeout;
  /** When a host's power was confirmed to be off, of performance.now(). */
  readonly offAtMs = new Map<string, number>();

  private constructor(directory: string, hosts: readonly LabHost[]) {
    this.directory = directory;
    this.#hosts = hosts;
    this.#timer = setInterval(() => {
      for (const host of this.#hosts) this.#look(host);
    }, LOOK_MS);
  }

  static async in(directory: string, hosts: readonly LabHost[]): Promise<LabBoards> {
    await mkdir(directory, { recursive: true });
    const agent = join(directory, "fence_lab");
    await writeFile(agent, fenceAgent(directory));
    await chmod(agent, 0o755);
    return new LabBoards(directory, hosts);
  }

  #look(host: LabHost): void {
    const wanted = existsSync(join(this.directory, `${host.name}.wanted-off`));
    if (!wanted || this.offAtMs.has(host.name)) return;
    this.offAtMs.set(host.name, Number.POSITIVE_INFINITY);
    void this.#switchOff(host);
  }

  async #switchOff(host: LabHost): Promise<void> {
    if (await host.isUp()) await host.crash();
    writeFileSync(join(this.directory, `${host.name}.off`), "");
    this.offAtMs.set(host.name, performance.now());
  }

  /** Somebody presses the button. */
  async switchOn(host: LabHost): Promise<void> {
    for (const state of ["wanted-off", "off"]) {
      await rm(join(this.directory, `${host.name}.${state}`), { force: true });
    }
    this.offAtMs.delete(host.name);
    await host.boot();
    for (const cable of ["mgmt", "data"] as const) await host.heal(cable);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await rm(this.directory, { recursive: true, force: true });
  }
}
