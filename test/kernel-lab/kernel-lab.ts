/**
 * Runs a program of ours in a small emulated machine with Debian's own kernel, for what the kernel of a build
 * machine may lack: VLAN-filtering bridges, 802.1Q, bonding, dummy devices. No root is needed to run it.
 *
 * The program is one bundle for Node (see bundleForKernelLab); it finds ip, bridge, tc, a POSIX shell and busybox,
 * is root, and is alone: whatever it does to the network ends with the machine.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { kernel } from "../lab/artifacts.ts";
import { made, type Report } from "../lab/cache.ts";
import { plainEnvironment, run } from "../lab/command.ts";

const here = import.meta.dirname;

export interface KernelLabJob {
  /** Path of an ES module for Node that needs no other file. */
  readonly bundle: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The machine is ended so many milliseconds after the program began. Default two minutes. */
  readonly timeoutMs?: number;
  /** Default 1024. */
  readonly memoryMiB?: number;
  readonly report?: Report;
}

export interface KernelLabResult {
  /** Of the program. */
  readonly exitCode: number;
  /** Its standard output and error, and what the kernel had to say. */
  readonly log: string;
}

const JOB_TIMEOUT_MS = 120_000;

/** It boots in about five seconds; on a machine that is busy with other things in several times that. */
const BOOT_TIMEOUT_MS = 90_000;
const BOOT_POLL_MS = 100;

/** Makes one module of a TypeScript entry point and all that it imports. */
export async function bundleForKernelLab(entryPoint: string, outfile: string): Promise<string> {
  await build({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node26",
    sourcemap: "inline",
    logLevel: "warning",
    // Packages in CommonJS call require() for Node's own modules.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  return outfile;
}

async function machine(report: Report): Promise<string> {
  const kernelDirectory = await kernel(report);
  const recipe = {
    name: "kernel-lab",
    script: join(here, "build.sh"),
    args: [kernelDirectory, process.execPath],
    identity: [kernelDirectory, process.version],
    inputs: [join(here, "init.sh"), join(here, "../lab/kernel/ramdisk.sh")],
    announcement: "building the kernel lab's machine (Debian's kernel, iproute2, Node)",
  };
  return made(recipe, report);
}

const quote = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** Packs the job as a tar, which the machine reads from a disk. */
async function pack(
  directory: string,
  { bundle, args = [], env = {} }: KernelLabJob,
): Promise<string> {
  const content = join(directory, "job");
  await mkdir(content);
  await copyFile(bundle, join(content, "bundle.mjs"));
  const settings = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}\n`);
  const command = ["node", "--enable-source-maps", "/job/bundle.mjs", ...args.map(quote)].join(" ");
  await writeFile(
    join(content, "run"),
    `#!/bin/sh\nexport NO_COLOR=1\n${settings.join("")}exec ${command}\n`,
    { mode: 0o755 },
  );
  const tar = join(directory, "job.tar");
  await run(["tar", "-c", "-f", tar, "-C", content, "."]);
  return tar;
}

function qemuCommand(
  files: string,
  tar: string,
  directory: string,
  memoryMiB: number,
): readonly string[] {
  const disk = (file: string): readonly string[] => [
    "-drive",
    `file=${file},if=virtio,format=raw,readonly=on`,
  ];
  // Two network cards on one wire: an uplink and something at its other end.
  const card = (index: number): readonly string[] => [
    ...["-netdev", `hubport,hubid=0,id=wire${index}`],
    ...["-device", `virtio-net-pci,netdev=wire${index},mac=52:54:00:ee:00:0${index}`],
  ];
  return [
    // Ends with us, however we end.
    ...["setpriv", "--pdeathsig", "KILL", "--", "qemu-system-x86_64"],
    ...["-accel", "tcg", "-machine", "q35", "-cpu", "max", "-smp", "2", "-m", String(memoryMiB)],
    ...["-nodefaults", "-display", "none", "-no-reboot"],
    ...["-kernel", join(files, "vmlinuz"), "-initrd", join(files, "initrd.gz")],
    ...["-append", "console=ttyS0 quiet panic=-1"],
    ...[...disk(join(files, "node.iso")), ...disk(tar), ...card(0), ...card(1)],
    ...[
      "-serial",
      `file:${join(directory, "log")}`,
      "-serial",
      `file:${join(directory, "result")}`,
    ],
  ];
}

async function readIfThere(path: string): Promise<string> {
  return existsSync(path) ? readFile(path, "utf8") : "";
}

/** Waits until the machine has booted and begins the program, until it ended, or until it takes too long. */
async function programBegins(result: string, ended: Promise<boolean>): Promise<void> {
  const latest = performance.now() + BOOT_TIMEOUT_MS;
  while (performance.now() < latest) {
    if ((await readIfThere(result)).includes("begin")) return;
    if (await Promise.race([ended, sleep(BOOT_POLL_MS, false)])) return;
  }
}

/**
 * Runs the job to its end. Any exit code of the program is a result.
 * @throws Error with the end of the log when the machine ends without a result: out of time, or a kernel panic
 */
export async function runInKernelLab(job: KernelLabJob): Promise<KernelLabResult> {
  const { timeoutMs = JOB_TIMEOUT_MS, memoryMiB = 1024, report = () => undefined } = job;
  const files = await machine(report);
  const directory = await mkdtemp(join(tmpdir(), "muster-kernel-lab-"));
  try {
    const tar = await pack(directory, job);
    const [program = "", ...args] = qemuCommand(files, tar, directory, memoryMiB);
    const qemu = spawn(program, args, {
      stdio: ["ignore", "ignore", "pipe"],
      env: plainEnvironment(),
    });
    let complaints = "";
    qemu.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
    const closed = once(qemu, "close");
    const result = join(directory, "result");
    const ended = closed.then(() => true);
    await programBegins(result, ended);
    const timer = setTimeout(() => qemu.kill("SIGKILL"), timeoutMs);
    await closed.finally(() => clearTimeout(timer));
    const log = (await readIfThere(join(directory, "log"))).replaceAll("\r\n", "\n");
    const exitCode = /^exit=(\d+) /m.exec(await readIfThere(result))?.[1];
    if (exitCode === undefined) {
      const end = log.trimEnd().split("\n").slice(-15).join("\n");
      throw new Error(
        `the kernel lab gave no result within ${timeoutMs} ms; its log ends with:\n${end}\nQEMU said: ${complaints}`,
      );
    }
    return { exitCode: Number(exitCode), log };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
