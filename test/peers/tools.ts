/** Programs of the distribution that judge our files. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

export interface Verdict {
  readonly exitCode: number;
  /** Standard output and standard error. */
  readonly text: string;
}

export function ask(command: string, args: readonly string[], input = ""): Verdict {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", input });
  if (error !== undefined) return { exitCode: 127, text: error.message };
  return { exitCode: status ?? 1, text: `${stdout}${stderr}` };
}

/** False, and said aloud, when a tool is missing: its tests are then skipped. */
export function isInstalled(tool: string): boolean {
  const found = ask(tool, ["--version"]).exitCode === 0;
  if (!found)
    console.warn(`SKIPPED: ${tool} is not installed (npm run setup, as root, installs it)`);
  return found;
}
