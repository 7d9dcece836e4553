/**
 * One command at a time changes a lab. The lock is a file with the record of its holder, so that one left by
 * a killed command is seen to be stale and taken over.
 */
import { link, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { isGone } from "./command.ts";
import type { LabPaths } from "./lab-paths.ts";
import { isAlive, readRecord, recordOf } from "./process-record.ts";
import { waitFor } from "./waiting.ts";

/** Longer than any `up` or `down` takes, builds apart; shorter than a person's patience. */
const LOCK_TIMEOUT_MS = 120_000;

/** Runs `work` while no other command changes the lab. @throws Error when another one holds it for two minutes. */
export async function withLabLock<T>(paths: LabPaths, work: () => Promise<T>): Promise<T> {
  await waitFor(`the lab command that holds ${paths.lock}`, () => tryLock(paths), {
    timeoutMs: LOCK_TIMEOUT_MS,
  });
  try {
    return await work();
  } finally {
    await rm(paths.lock, { force: true });
  }
}

async function tryLock(paths: LabPaths): Promise<boolean> {
  const own = recordOf(process.pid);
  if (own === undefined) throw new Error("this process has no entry in /proc");
  const draft = `${paths.lock}.${crypto.randomUUID()}`;
  try {
    await mkdir(paths.directory, { recursive: true, mode: 0o700 });
    await writeFile(draft, `${own.pid} ${own.startTime}\n`);
    // link() fails when the lock exists; the file is complete from its first moment.
    await link(draft, paths.lock);
    return true;
  } catch (error) {
    // Gone: a `down` removed the directory under us, so try again.
    if (isGone(error)) return false;
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    await removeStale(paths);
    return false;
  } finally {
    await rm(draft, { force: true });
  }
}

async function removeStale(paths: LabPaths): Promise<void> {
  const holder = readRecord(paths.lock);
  if (holder !== undefined && isAlive(holder)) return;
  const stale = `${paths.lock}.stale-${crypto.randomUUID()}`;
  try {
    // Renamed first: of two that find it stale only one gets it.
    await rename(paths.lock, stale);
  } catch (error) {
    if (isGone(error)) return;
    throw error;
  }
  await rm(stale, { force: true });
}
