/** Whose libvirt is tested: the machine's own, or a newer release that is unpacked beside it and never installed. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface Installation {
  readonly name: string;
  /** The root directory of its programs; fetched now if they are not here yet. */
  directory(): string;
}

export const thisMachine: Installation = { name: "this machine", directory: () => "/" };

const fetchScript = join(import.meta.dirname, "debian13/fetch.sh");
const cache = process.env["NODE_LIBVIRT_TEST_CACHE"] ?? "/var/cache/node-libvirt-test";

/** libvirt 11.3, QEMU 10. The directory is named after its recipe: another recipe is another directory. */
export const debian13: Installation = {
  name: "Debian 13",
  directory() {
    const hash = createHash("sha256").update(readFileSync(fetchScript)).digest("hex").slice(0, 16);
    const directory = join(cache, `debian13-${hash}`);
    if (existsSync(directory)) return directory;
    console.warn("fetching Debian 13's libvirt (64 MB), once");
    mkdirSync(cache, { recursive: true });
    const building = `${directory}.building-${process.pid}`;
    try {
      execFileSync("sh", [fetchScript, building], { stdio: ["ignore", "inherit", "pipe"] });
      renameSync(building, directory);
    } finally {
      rmSync(building, { recursive: true, force: true });
      rmSync(`${building}.apt`, { recursive: true, force: true });
    }
    return directory;
  },
};

let chosen = thisMachine;

/** For a test file that runs the tests of another one on another release: call it, then import that file. */
export function testOn(installation: Installation): void {
  chosen = installation;
}

export const installationUnderTest = (): Installation => chosen;
