/** One machine of the lab - a host, or ctl - as a place where programs run. Its life is in machine-power.ts. */
import { mkdirSync } from "node:fs";
import { basename } from "node:path";
import { addressOf } from "./addresses.ts";
import { run, type CommandOptions, type CommandResult } from "./command.ts";
import type { LabPaths } from "./lab-paths.ts";
import { LabProcess } from "./lab-process.ts";
import { isAlive, namespaceInit, readRecord } from "./process-record.ts";

export interface ExecOptions extends CommandOptions {
  /** Working directory inside the machine. Default /. */
  readonly cwd?: string;
}

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Outside the machine. Default: log/MACHINE-PROGRAM.log in the lab's directory. */
  readonly logFile?: string;
}

export class LabMachine {
  readonly name: string;
  /** On the management network. */
  readonly address: string;
  protected readonly paths: LabPaths;

  constructor(name: string, paths: LabPaths) {
    this.name = name;
    this.address = addressOf(name);
    this.paths = paths;
  }

  /** The machine's own files, seen from outside: etc/, run/, var/lib/, var/log/, srv/local/. */
  get directory(): string {
    return this.paths.machine(this.name);
  }

  async isUp(): Promise<boolean> {
    const record = readRecord(this.paths.record(this.name));
    return record !== undefined && isAlive(record);
  }

  /**
   * Runs a program in the machine to its end.
   * @throws CommandError unless it exits with 0 or `check` is false; Error when the machine is off.
   */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<CommandResult> {
    return run([...this.#enter(options.cwd), ...argv], options);
  }

  /** Starts a program that runs on by itself. It ends with the machine at the latest. */
  spawn(argv: readonly string[], { env = {}, cwd, logFile }: SpawnOptions = {}): LabProcess {
    mkdirSync(this.paths.logs, { recursive: true });
    const log = logFile ?? this.paths.log(`${this.name}-${basename(argv[0] ?? "")}`);
    return new LabProcess([...this.#enter(cwd), ...argv], log, env);
  }

  /** The command line that enters the machine's namespaces. */
  enterCommand(cwd?: string): readonly string[] {
    return this.#enter(cwd);
  }

  #enter(cwd = "/"): string[] {
    const record = readRecord(this.paths.record(this.name));
    const init = record === undefined ? undefined : namespaceInit(record);
    if (init === undefined) throw new Error(`${this.name} is not up`);
    return ["nsenter", "-t", String(init), "-m", "-u", "-i", "-n", "-p", "--", "env", "-C", cwd];
  }
}
