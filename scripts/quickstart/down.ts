/** `npm run quickstart -- down`: ends every process and removes every file of a quickstart, also of a half made one. */
import { existsSync } from "node:fs";
import { lstat, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Lab } from "../../test/lab/lab.ts";
import { Background } from "./background.ts";
import { realDirectory, simulatedDirectory, type Choices } from "./choices.ts";

/** Says that a directory is a simulated quickstart's, and may be removed. */
const MARK = "muster-quickstart-simulated";

export const backgroundOf = (directory: string): Background =>
  new Background(join(directory, "background"));

/** Without --simulated and --directory: both kinds. */
export async function takeDown(choices: Choices): Promise<void> {
  const places = choices.isDefaultDirectory
    ? choices.isSimulated
      ? [simulatedDirectory()]
      : [realDirectory(), simulatedDirectory()]
    : [choices.directory];
  let found = false;
  for (const directory of places) {
    if (!existsSync(directory)) continue;
    found = true;
    await removePlace(directory);
    console.log(`stopped and removed what was in ${directory}`);
  }
  if (!found) console.log(`nothing to stop: there is no ${places.join(" and no ")}`);
}

/** @throws Error when the directory is nobody's quickstart: it is not touched. */
export async function removePlace(directory: string): Promise<void> {
  if (existsSync(join(directory, MARK))) return removeSimulated(directory);
  if (!existsSync(join(directory, "lab.json")) && (await readdir(directory)).length > 0) {
    throw new Error(`${directory} is not a quickstart's and stays as it is`);
  }
  if (process.getuid?.() !== 0) {
    throw new Error(`${directory} was made by root; as root: npm run quickstart -- down`);
  }
  await backgroundOf(directory).stopAll();
  await Lab.down({ directory });
}

async function removeSimulated(directory: string): Promise<void> {
  await checkOwn(directory);
  await backgroundOf(directory).stopAll();
  await rm(directory, { recursive: true });
}

/** Makes the directory of a simulated quickstart. @throws Error when there is one of somebody else. */
export async function makeSimulatedPlace(directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o700 });
  await checkOwn(directory);
  await writeFile(join(directory, MARK), "npm run quickstart -- down --simulated removes this\n");
}

async function checkOwn(directory: string): Promise<void> {
  const found = await lstat(directory);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Error(`${directory} is not a directory of yours; choose another with --directory`);
  }
}
