/**
 * Files that must be whole after a crash, and whose secrets nobody else may read: written under another name,
 * flushed to disk, renamed.
 */
import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { MusterError } from "@muster/model";

export interface DurableFile {
  readonly name: string;
  readonly text: string;
  /** 0o600 for secrets. */
  readonly mode: number;
}

/** Replaces one file, or nothing. Throws `storage-failed`. */
export async function replaceFile(path: string, file: Omit<DurableFile, "name">): Promise<void> {
  const directory = dirname(path);
  const name = `.${basename(path)}.${String(process.pid)}.new`;
  const temporary = join(directory, name);
  try {
    await writeFlushed(directory, { ...file, name });
    await rename(temporary, path);
    await flushDirectory(directory);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new MusterError("storage-failed", `failed to write ${path}`, { cause });
  }
}

/** Creates a directory, for the owner only, with all these files in it, or nothing. Throws `storage-failed`. */
export async function createDirectoryWith(
  path: string,
  files: readonly DurableFile[],
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${String(process.pid)}.new`);
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    for (const file of files) await writeFlushed(temporary, file);
    await flushDirectory(temporary);
    // Fails when the directory exists and is not empty: nothing is ever overwritten here.
    await rename(temporary, path);
    await flushDirectory(dirname(path));
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true });
    throw new MusterError("storage-failed", `failed to create ${path}`, { cause });
  }
}

async function writeFlushed(directory: string, file: DurableFile): Promise<void> {
  const handle = await open(join(directory, file.name), "w", file.mode);
  try {
    await handle.writeFile(file.text);
    // The mode given to open counts only when the file is new, and less the umask.
    await handle.chmod(file.mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function flushDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
