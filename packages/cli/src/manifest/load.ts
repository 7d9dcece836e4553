/** Reads manifests from files, folders and stdin. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { MusterError } from "@muster/model";
import type { Keyboard } from "../surroundings.ts";
import { MANIFEST_BYTES_MAX, parseManifests, type Manifest } from "./manifest.ts";

const ENDINGS = [".yaml", ".yml", ".json"];

/** `path`: a file, a folder with files of YAML or JSON, or "-" for stdin. Throws `invalid` when it cannot be read. */
export async function loadManifests(path: string, stdin: Keyboard): Promise<Manifest[]> {
  if (path === "-") return parseManifests(await readAll(stdin), "stdin");
  try {
    if (!(await stat(path)).isDirectory()) return await loadFile(path);
    const names = (await readdir(path)).filter((name) =>
      ENDINGS.some((ending) => name.endsWith(ending)),
    );
    const files = names.toSorted().map((name) => loadFile(join(path, name)));
    const manifests = (await Promise.all(files)).flat();
    if (manifests.length > 0) return manifests;
  } catch (cause) {
    if (cause instanceof MusterError) throw cause;
    throw new MusterError("invalid", `cannot read ${path}`, { cause });
  }
  const hint = `a folder is read for files that end in ${ENDINGS.join(", ")}`;
  throw new MusterError("invalid", `${path} defines nothing`, { hint });
}

const loadFile = async (path: string): Promise<Manifest[]> =>
  parseManifests(await readFile(path, "utf8"), path);

async function readAll(stdin: Keyboard): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    // The parser refuses it by size; there is no need to read the rest.
    if (bytes > MANIFEST_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}
