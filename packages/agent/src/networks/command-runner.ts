/** Runs the system's network programs: argument lists only, never a shell, never without an end. */
import { execFile } from "node:child_process";
import { MusterError } from "@muster/model";

export interface CommandOptions {
  /** Milliseconds until the program is killed. Default COMMAND_TIMEOUT_MS. */
  readonly timeoutMs?: number;
  /** For the program to read. Default: nothing. */
  readonly input?: string;
}

export interface CommandRunner {
  /**
   * Runs `argv` to its end and answers what it printed.
   * @throws MusterError "network-failed" naming the command line, with what it said as the cause.
   */
  run(argv: readonly string[], options?: CommandOptions): Promise<string>;
}

/**
 * iproute2 and ovs-vsctl end within milliseconds. Higher, and a dead ovs-vswitchd holds up a VM's start for longer
 * before its reason is seen; lower, and a host that swaps fails commands that were about to succeed.
 */
export const COMMAND_TIMEOUT_MS = 20_000;

/** A thousand taps make 2 MB of `ip -j -d addr`; more than this is not a list of devices. */
const OUTPUT_MAX_BYTES = 32 * 1024 * 1024;

/** Enough of a program's words to see what is wrong; a device's driver may print pages. */
const SAID_MAX_CHARACTERS = 2_000;

/** Daemons are often started without the directories that ip, bridge and ovs-vsctl live in. */
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function environment(): NodeJS.ProcessEnv {
  const path = process.env["PATH"] ?? "";
  return {
    ...process.env,
    PATH: path === "" ? SYSTEM_PATH : `${path}:${SYSTEM_PATH}`,
    LC_ALL: "C",
  };
}

interface Ending {
  readonly error: Error & { readonly code?: unknown; readonly killed?: boolean };
  readonly stderr: string;
  readonly timeoutMs: number;
}

function commandFailure(
  argv: readonly string[],
  { error, stderr, timeoutMs }: Ending,
): MusterError {
  const line = argv.join(" ");
  if (error.code === "ENOENT") {
    const program = argv[0] ?? "";
    return new MusterError("network-failed", `cannot run ${program}: there is no such program`, {
      cause: error,
      hint: `install the package that has ${program} on this host`,
    });
  }
  if (error.killed === true) {
    const message = `no end after ${String(timeoutMs)} ms: ${line}`;
    return new MusterError("network-failed", message, {
      cause: new Error(said(stderr) || "killed"),
    });
  }
  const words = said(stderr) || `exit code ${String(error.code)}`;
  return new MusterError("network-failed", `failed: ${line}`, { cause: new Error(words) });
}

const said = (stderr: string): string => stderr.trim().slice(0, SAID_MAX_CHARACTERS);

export const processRunner: CommandRunner = {
  run(argv, { timeoutMs = COMMAND_TIMEOUT_MS, input = "" } = {}) {
    const [program = "", ...args] = argv;
    return new Promise((resolve, reject) => {
      const child = execFile(
        program,
        args,
        {
          timeout: timeoutMs,
          killSignal: "SIGKILL",
          maxBuffer: OUTPUT_MAX_BYTES,
          env: environment(),
          encoding: "utf8",
        },
        (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(commandFailure(argv, { error, stderr, timeoutMs }));
        },
      );
      // A program that ends without reading is judged by its exit code alone.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(input);
    });
  },
};
