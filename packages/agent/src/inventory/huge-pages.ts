/** How many huge pages of each NUMA cell are free: the kernel says, libvirt's capabilities do not. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FreeHugePages } from "./system-facts.ts";

/** `nodePath` is /sys/devices/system/node. A kernel without NUMA has no such directory: nothing is known then. */
export async function readFreeHugePages(nodePath: string): Promise<readonly FreeHugePages[]> {
  const found: FreeHugePages[] = [];
  for (const node of await entriesOf(nodePath)) {
    const cell = /^node(\d+)$/.exec(node)?.[1];
    if (cell === undefined) continue;
    const directory = join(nodePath, node, "hugepages");
    for (const size of await entriesOf(directory)) {
      const kib = /^hugepages-(\d+)kB$/.exec(size)?.[1];
      if (kib === undefined) continue;
      const free = await readFile(join(directory, size, "free_hugepages"), "utf8");
      found.push({
        cell: Number(cell),
        pageBytes: BigInt(kib) * 1024n,
        free: BigInt(free.trim()),
      });
    }
  }
  return found;
}

async function entriesOf(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
