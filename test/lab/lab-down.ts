/** Takes a lab down, whatever state it is in: nothing of it stays. */
import { existsSync } from "node:fs";
import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import type { LabPaths } from "./lab-paths.ts";
import { endNamespaces, readRecord } from "./process-record.ts";

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
  // Never into a mount that somebody made in there.
  await run(["rm", "-rf", "--one-file-system", paths.directory]);
}
