/**
 * Things that take long to make (guest, kernel, QEMU) are made once and kept outside the checkout,
 * in a directory named after a hash of the recipe: a changed recipe is another directory.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { run } from "./command.ts";

/** $MUSTER_LAB_CACHE, else /var/cache/muster-lab for root, else the user's own cache directory. */
export function cacheDirectory(): string {
  const chosen = process.env["MUSTER_LAB_CACHE"];
  if (chosen !== undefined && chosen !== "") return chosen;
  if (process.getuid?.() === 0) return "/var/cache/muster-lab";
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "muster-lab");
}

export interface Recipe {
  readonly name: string;
  /** `sh SCRIPT OUT ARGS...` fills the directory OUT, which exists not yet. */
  readonly script: string;
  readonly args?: readonly string[];
  /** What changes the result beside the files below. Default: the arguments. */
  readonly identity?: readonly string[];
  /** Files whose contents change what is made, beside the script and the arguments. */
  readonly inputs?: readonly string[];
  /** Told what is being made and why it takes time, only when it is not in the cache. */
  readonly announcement: string;
}

export type Report = (line: string) => void;

const BUILD_TIMEOUT_MS = 10 * 60_000;

async function hashOf({
  script,
  args = [],
  identity = args,
  inputs = [],
}: Recipe): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(identity));
  for (const path of [script, ...inputs]) hash.update(basename(path)).update(await readFile(path));
  return hash.digest("hex").slice(0, 16);
}

/** Removes what builds that were killed left behind; the pid in the name is that of the builder. */
async function removeAbandoned(cache: string): Promise<void> {
  for (const entry of await readdir(cache)) {
    const pid = /\.building-(\d+)-/.exec(entry)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      await rm(join(cache, entry), { recursive: true, force: true });
    }
  }
}

/**
 * The directory with what the recipe makes; made now when the cache has none.
 * Two builders at once do no harm: the first to finish wins.
 */
export async function made(recipe: Recipe, report: Report): Promise<string> {
  const cache = cacheDirectory();
  const directory = join(cache, `${recipe.name}-${await hashOf(recipe)}`);
  if (existsSync(directory)) return directory;
  report(recipe.announcement);
  await mkdir(cache, { recursive: true });
  await removeAbandoned(cache);
  const building = `${directory}.building-${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    await run(["sh", recipe.script, building, ...(recipe.args ?? [])], {
      timeoutMs: BUILD_TIMEOUT_MS,
    });
    await rename(building, directory);
  } catch (error) {
    if (!existsSync(directory)) throw error;
  } finally {
    await run(["rm", "-rf", building, `${building}.apt`]);
  }
  return directory;
}
