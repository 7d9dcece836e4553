/** The other clients of the comparison: libvirt's own in C, @unraid/libvirt, virsh. Each may be missing; that is said. */
import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Peers {
  /** The C program, or null. */
  readonly c: ((...args: string[]) => Promise<readonly number[]>) | null;
  /** A directory where @unraid/libvirt is installed, or null. */
  readonly unraid: string | null;
}

function missing(what: string, why: unknown): null {
  console.warn(
    `SKIPPED ${what}: ${why instanceof Error ? why.message.split("\n")[0] : String(why)}`,
  );
  return null;
}

/** Compiles the C program into `directory`. */
function compileC(directory: string): Peers["c"] {
  const program = join(directory, "client");
  const source = join(import.meta.dirname, "c/client.c");
  try {
    const args = ["-O2", "-pthread", source, "-l:libvirt.so.0", "-o", program];
    execFileSync("cc", args, { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    return missing("the C client", error);
  }
  return async (...args) => {
    const { stdout } = await run(program, args);
    return stdout.trim().split(" ").map(Number);
  };
}

/**
 * @unraid/libvirt compiles C++ at its installation and needs libvirt's headers, so it is not installed here: name a
 * directory with it in NODE_LIBVIRT_BENCH_UNRAID.
 */
function findUnraid(): string | null {
  const directory = process.env["NODE_LIBVIRT_BENCH_UNRAID"];
  if (directory === undefined) {
    return missing("@unraid/libvirt", "NODE_LIBVIRT_BENCH_UNRAID names no directory with it");
  }
  const isThere = existsSync(join(directory, "node_modules/@unraid/libvirt"));
  return isThere ? directory : missing("@unraid/libvirt", `it is not in ${directory}`);
}

export function findPeers(directory: string): Peers {
  return { c: compileC(directory), unraid: findUnraid() };
}
