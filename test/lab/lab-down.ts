/** Takes a lab down, whatever state it is in: nothing of it stays. */
import { existsSync } from "node:fs";
import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import type { LabPaths } from "./lab-paths.ts";
import { endNamespaces, readRecord } from "./process-record.ts";
import { waitFor } from "./waiting.ts";

const REMOVE_TIMEOUT_MS = 10_000;

/**
 * Ends every recorded machine and removes the lab's directory. Namespaces, mounts, bridges and sockets belong to
 * the machines and go with their last process.
 */
export async function takeDown(paths: LabPaths): Promise<void> {
  await mkdir(paths.ending, { recursive: true });
  // From here on no machine can record itself, so none starts (shell/spawn.sh).
  if (existsSync(paths.processes))
    await rename(paths.processes, join(paths.ending, crypto.randomUUID()));
  // Also those of an earlier `down` that was killed.
  const batches = await readdir(paths.ending);
  const lists = await Promise.all(
    batches.map(async (batch) => {
      const names = await readdir(join(paths.ending, batch));
      return names.map((name) => join(paths.ending, batch, name));
    }),
  );
  await Promise.all(
    lists.flat().map(async (path) => {
      const record = readRecord(path);
      if (record !== undefined) await endNamespaces(record);
    }),
  );
  // A command of a killed `up` may write its last file now: then the directory is not empty yet.
  let refusal = "";
  const remove = async (): Promise<boolean> => {
    refusal = await removeFiles(paths);
    return !existsSync(paths.directory);
  };
  await waitFor(`${paths.directory} to go`, remove, {
    timeoutMs: REMOVE_TIMEOUT_MS,
    explain: () => refusal,
  });
}

/**
 * Says what could not be removed. The description goes last: with it the directory is still known as a lab's if this
 * is killed. Never goes into a mount that somebody made in there.
 */
async function removeFiles(paths: LabPaths): Promise<string> {
  const entries = (await readdir(paths.directory)).map((entry) => join(paths.directory, entry));
  const contents = entries.filter(
    (path) => path !== paths.description && !path.startsWith(paths.lock),
  );
  const complaints: string[] = [];
  for (const batch of [contents, [paths.directory]]) {
    const { stderr } = await run(["rm", "-rf", "--one-file-system", ...batch], { check: false });
    complaints.push(stderr);
    if (stderr !== "" && batch === contents) break;
  }
  return complaints.join("");
}
