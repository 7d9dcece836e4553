/** Runs one of the distribution's tools on a file nobody trusts: little memory, little time, no environment. */
import { spawn } from "node:child_process";
import { causeText, MusterError } from "@muster/model";

export interface ToolLimits {
  /** Of CPU time. */
  readonly seconds: number;
  readonly memoryBytes: number;
  /** Largest file it may write; absent: none at all. */
  readonly fileBytes?: bigint;
}

export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
}

const OUTPUT_MAX_CHARACTERS = 1024 * 1024;
const SHOWN_MAX_CHARACTERS = 500;

/** Throws `storage-failed` with the tool's own words when it fails, `wrong-state` when there is none. */
export async function runTool(
  words: readonly [string, ...string[]],
  options: {
    readonly limits: ToolLimits;
    readonly signal: AbortSignal;
    /** Each piece of standard output, as it comes. */
    readonly onOutput?: (text: string) => void;
  },
): Promise<ToolOutput> {
  const { limits, signal, onOutput } = options;
  const bounds = [
    `--cpu=${String(limits.seconds)}`,
    `--as=${String(limits.memoryBytes)}`,
    `--fsize=${String(limits.fileBytes ?? 0n)}`,
    "--core=0",
  ];
  const child = spawn("prlimit", [...bounds, "--", ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
    signal,
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    onOutput?.(text);
    if (stdout.length < OUTPUT_MAX_CHARACTERS) stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (stderr.length < OUTPUT_MAX_CHARACTERS) stderr += text;
  });
  const [code, killedBy] = await new Promise<readonly [number | null, string | null]>(
    (resolve, reject) => {
      child.once("error", reject);
      child.once("close", (...ended) => {
        resolve(ended);
      });
    },
  ).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new MusterError("wrong-state", `${words[0]} could not be run`, {
      cause: error,
      hint: "install the distribution's qemu-utils, util-linux and xz-utils",
    });
  });
  if (code === 0) return { stdout, stderr };
  const said = stderr.trim().slice(0, SHOWN_MAX_CHARACTERS);
  const how = killedBy === null ? `exit code ${String(code)}` : `ended by ${killedBy}`;
  throw new MusterError("storage-failed", `${words[0]} failed (${how})`, {
    cause: new Error(said === "" ? "it said nothing" : said),
  });
}

export const textOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const cause = causeText(error);
  const reasons = error instanceof MusterError ? error.reasons : [];
  const said = [error.message, ...(cause === "" ? [] : [cause]), ...reasons];
  return said.join(": ");
};
