/** Runs programs and waits for them. Every failure carries the command line and what it said. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

export interface CommandResult {
  /** 128 + signal number is not used: a killed program gives -1. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** After so many milliseconds the program is killed and the call fails. Default two minutes. */
  readonly timeoutMs?: number;
  /** False: an exit code other than 0 is returned instead of thrown. */
  readonly check?: boolean;
}

/** A program ended with an exit code other than 0, or did not end in time. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly argv: readonly string[];
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;

  constructor(
    argv: readonly string[],
    result: CommandResult,
    how = `exit code ${result.exitCode}`,
  ) {
    const said = (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-8).join("\n");
    super(`${argv.join(" ")}: ${how}${said === "" ? "" : `: ${said}`}`);
    this.argv = argv;
    this.exitCode = result.exitCode;
    this.stdout = result.stdout;
    this.stderr = result.stderr;
  }
}

const COMMAND_TIMEOUT_MS = 120_000;

/** What lab programs get of our own environment: enough to find programs, nothing that changes what they do. */
export function plainEnvironment(): Record<string, string> {
  const path = process.env["PATH"] ?? "";
  const system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  return { PATH: path === "" ? system : `${path}:${system}`, HOME: "/root", LANG: "C.UTF-8" };
}

/** The children of a process, as pids of this process' pid namespace. Empty when it is gone. */
export function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text.split(" ").filter(Boolean).map(Number);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** Sends a signal. False when there is no such process any more. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** Is this the error of looking for a file or process that is not there? */
export function isGone(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "ENOENT" || error.code === "ESRCH";
}

/**
 * Runs `argv` to its end.
 * @throws CommandError on an exit code other than 0 (unless `check` is false) and when it takes too long.
 */
export async function run(
  argv: readonly string[],
  { input, env, timeoutMs = COMMAND_TIMEOUT_MS, check = true }: CommandOptions = {},
): Promise<CommandResult> {
  if (argv.length === 0) throw new Error("an empty command line");
  // Killed with us: what a command that was killed itself still writes, `down` could not remove for good.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...argv], {
    env: { ...plainEnvironment(), ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const output: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  child.stdout.on("data", (chunk: Buffer) => output.stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => output.stderr.push(chunk));
  // A program that does not read its input is no failure of ours.
  child.stdin.on("error", (error) =>
    output.stderr.push(Buffer.from(`(input: ${error.message})\n`)),
  );
  child.stdin.end(input ?? "");
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    // nsenter stands between us and the program, which would outlive it.
    for (const pid of [...childrenOf(child.pid ?? 0), child.pid ?? 0]) {
      if (pid > 0) sendSignal(pid, "SIGKILL");
    }
  }, timeoutMs);
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve(code ?? -1));
    });
    const result = {
      exitCode,
      stdout: Buffer.concat(output.stdout).toString(),
      stderr: Buffer.concat(output.stderr).toString(),
    };
    if (timedOut) throw new CommandError(argv, result, `no end after ${timeoutMs} ms`);
    if (check && exitCode !== 0) throw new CommandError(argv, result);
    return result;
  } finally {
    clearTimeout(timer);
  }
}
