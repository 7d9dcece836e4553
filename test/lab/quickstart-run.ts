/** Runs the quickstart as a person does, for its tests. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const root = join(import.meta.dirname, "../..");

export interface QuickstartRun {
  readonly exitCode: number | null;
  /** Standard output and error. */
  readonly printed: string;
}

/** @param user absent: whoever runs the test */
export async function runQuickstart(
  words: readonly string[],
  user?: { readonly uid: number; readonly gid: number },
): Promise<QuickstartRun> {
  const child = spawn(process.execPath, [join(root, "scripts/quickstart.ts"), ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: root,
    ...user,
  });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  const [exitCode, stdout, stderr] = await Promise.all([
    exited,
    text(child.stdout),
    text(child.stderr),
  ]);
  return { exitCode, printed: stdout + stderr };
}
