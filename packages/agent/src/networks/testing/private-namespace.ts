/**
 * Fresh mount, network and PID namespaces for a test. The machine's own network is not touched, and when the test
 * process dies, however it dies, everything inside ends too.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { processRunner, type CommandRunner } from "../command-runner.ts";

const DIRECTORIES = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why there can be no namespaces with these programs here; undefined: there can. */
export function namespaceObstacle(programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return "namespaces need root";
  const missing = ["unshare", "nsenter", "setpriv", "ip", ...programs].filter(
    (program) => !DIRECTORIES.some((directory) => isExecutable(join(directory, program))),
  );
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}

export class PrivateNamespace implements AsyncDisposable {
  readonly #holder: ChildProcess;
  /** Runs programs inside. */
  readonly runner: CommandRunner;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
    // Its own process is outside; /proc inside shows only what is.
    const pids = `--pid=/proc/${String(holder.pid)}/ns/pid_for_children`;
    const enter = ["nsenter", "--target", String(holder.pid), pids, "--mount", "--net", "--"];
    this.runner = { run: (argv, options) => processRunner.run([...enter, ...argv], options) };
  }

  /** Runs a shell script inside first; what it leaves in the background lives as long as the namespaces. */
  static async start(script: string): Promise<PrivateNamespace> {
    // The last program is process 1 inside: when its input ends, the kernel ends the rest.
    const whole = [
      "set -e",
      'export PATH="$PATH:/usr/sbin:/sbin"',
      "mount -t tmpfs tmpfs /run",
      "ip link set lo up",
      script,
      "echo ready",
      "exec cat",
    ].join("\n");
    const namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const holder = spawn("unshare", [...namespaces, "sh", "-c", whole], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    const said: string[] = [];
    holder.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
    for await (const line of createInterface({ input: holder.stdout })) {
      if (line === "ready") return new PrivateNamespace(holder);
    }
    throw new Error(`the namespace did not start: ${said.join("")}`);
  }

  /** Runs a command line, split at blanks, inside. */
  run(line: string): Promise<string> {
    return this.runner.run(line.split(" "));
  }

  /** Starts a program inside, without a shell; it dies with this process at the latest. */
  spawn(argv: readonly string[]): ChildProcess {
    const enter = ["nsenter", "--target", String(this.#holder.pid), "--mount", "--net", "--"];
    return spawn("setpriv", ["--pdeathsig", "KILL", ...enter, ...argv], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const ended = once(this.#holder, "exit");
    this.#holder.stdin?.end();
    await ended;
  }
}
