/** What the lab's hosts and guests are made of: a QEMU that migrates correctly, a kernel, the tiny guest. */
import { join } from "node:path";
import { made, type Report } from "./cache.ts";
import { run } from "./command.ts";

const here = import.meta.dirname;

/** Before 9.0 QEMU loses memory writes when it migrates emulated VMs: guests panic after long migrations. */
const QEMU_MAJOR_MIN = 9;

/**
 * The root of an unpacked QEMU to use in the hosts; undefined when the installed one will do.
 * @throws CommandError when the installed one is too old and no newer one can be fetched.
 */
export async function qemuRoot(report: Report): Promise<string | undefined> {
  const { stdout } = await run(["qemu-system-x86_64", "--version"]);
  const major = Number(/version (\d+)\./.exec(stdout)?.[1]);
  if (major >= QEMU_MAJOR_MIN) return undefined;
  return made(
    {
      name: "qemu",
      script: join(here, "qemu/fetch.sh"),
      announcement: `fetching QEMU 10 from Debian's backports: the installed ${major} corrupts guests in long migrations`,
    },
    report,
  );
}

/** A directory with Debian's cloud kernel: vmlinuz, release, lib/modules. */
export async function kernel(report: Report): Promise<string> {
  return made(
    {
      name: "kernel",
      script: join(here, "kernel/fetch.sh"),
      announcement: "fetching Debian's cloud kernel for the guests",
    },
    report,
  );
}

/** A directory with the tiny guest: vmlinuz, initrd.gz, disk.qcow2. */
export async function tinyGuest(report: Report): Promise<string> {
  const kernelDirectory = await kernel(report);
  return made(
    {
      name: "guest",
      script: join(here, "guest/build.sh"),
      args: [kernelDirectory],
      inputs: [
        join(here, "kernel/ramdisk.sh"),
        join(here, "guest/init.sh"),
        join(here, "guest/labguest.c"),
        join(here, "guest/udhcpc.sh"),
      ],
      announcement: "building the tiny guest (kernel, busybox, guest agent)",
    },
    report,
  );
}
