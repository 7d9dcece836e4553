/** Can there be a lab: on this machine, and in this directory? */
import { constants, existsSync } from "node:fs";
import { access, lstat, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { isGone, plainEnvironment } from "./command.ts";
import type { LabPaths } from "./lab-paths.ts";

/** Programs the lab runs, each from a package in scripts/debian-packages.txt. */
const programs = [
  ...["unshare", "nsenter", "setpriv", "setsid", "mountpoint", "ip", "tc", "openssl", "bindfs"],
  ...["virsh", "libvirtd", "qemu-system-x86_64", "qemu-img"],
  ...["ovs-vswitchd", "ovsdb-server", "ovs-vsctl", "ovsdb-tool"],
];

/** @throws Error saying what this machine lacks for a lab. */
export async function checkMachine(): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error("the lab needs root: it makes network and mount namespaces");
  const path = (plainEnvironment()["PATH"] ?? "").split(":");
  const missing = programs.filter(
    (name) => !path.some((directory) => existsSync(join(directory, name))),
  );
  if (missing.length > 0) {
    throw new Error(
      `the lab needs ${missing.join(", ")}: sh scripts/setup.sh (as root) installs them`,
    );
  }
  await access("/dev/fuse", constants.R_OK | constants.W_OK).catch((cause: unknown) => {
    throw new Error("the lab's shared storage needs /dev/fuse", { cause });
  });
}

/**
 * `down` removes the directory with all that is in it, and who owns it owns libvirt's sockets, which are as good as root.
 * @throws Error when it exists and is not a lab's, or not root's alone
 */
export async function checkDirectory(paths: LabPaths): Promise<void> {
  const { directory } = paths;
  try {
    const found = await lstat(directory);
    if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0) {
      throw new Error(`${directory} is not a directory that only root can write`);
    }
    if (existsSync(paths.description)) return;
    const strangers = (await readdir(directory)).filter(
      (entry) => !entry.startsWith(basename(paths.lock)),
    );
    if (strangers.length > 0)
      throw new Error(`${directory} is not a lab's directory: ${strangers[0]} is in it`);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}
