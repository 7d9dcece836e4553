/** What is mounted, as libvirtd sees it too. */
import { readFile } from "node:fs/promises";
import { parseMounts } from "../../inventory/mounts.ts";
import type { Mount } from "../../inventory/system-facts.ts";

/** Of this process's mount namespace, which is libvirtd's too. */
export const readMounts = async (): Promise<readonly Mount[]> =>
  parseMounts(await readFile("/proc/self/mounts", "utf8"));
