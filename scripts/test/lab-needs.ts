/** What the lab needs of the machine. */
import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

const commands = [
  "libvirtd",
  "virsh",
  "qemu-system-x86_64",
  "qemu-img",
  "ovs-vswitchd",
  "ip",
  "unshare",
];

function isThere(command: string): boolean {
  const directories = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"];
  return directories.some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function canMakeNamespaces(): boolean {
  try {
    execFileSync("unshare", ["--mount", "--net", "--pid", "--fork", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Why the lab cannot run here; empty when it can. */
export function missingForLab(): string[] {
  if (process.getuid?.() !== 0) return ["not root"];
  const missing = commands.filter((command) => !isThere(command));
  if (missing.length > 0) return missing.map((command) => `${command} is not installed`);
  return canMakeNamespaces() ? [] : ["namespaces may not be made here"];
}
