/** cloud-init's own commands, as Debian ships them, without installing it. */
import { join } from "node:path";
import { made, type Report } from "../cache.ts";
import { run, type CommandResult } from "../command.ts";

/** The root of an unpacked cloud-init and xmllint. */
export const cloudInitRoot = (report: Report): Promise<string> =>
  made(
    {
      name: "cloud-init",
      script: join(import.meta.dirname, "fetch.sh"),
      announcement: "fetching Debian's cloud-init, to read our seeds with it",
    },
    report,
  );

const environmentOf = (root: string) => ({
  PATH: process.env["PATH"] ?? "",
  PYTHONPATH: join(root, "usr/lib/python3/dist-packages"),
});

/** Without what a process of this machine would add: the program must not look at this machine. */
export const cloudInit = (root: string, ...args: readonly string[]): Promise<CommandResult> =>
  run(["/usr/bin/python3", "-m", "cloudinit.cmd.main", ...args], { env: environmentOf(root) });

export const python = (root: string, script: string, ...args: readonly string[]) =>
  run(["/usr/bin/python3", "-c", script, ...args], { env: environmentOf(root) });

export const xmllint = (root: string, ...args: readonly string[]) =>
  run([join(root, "usr/bin/xmllint"), ...args], {
    env: { LD_LIBRARY_PATH: join(root, "usr/lib/x86_64-linux-gnu") },
  });
