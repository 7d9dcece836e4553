/** Brings a lab up, step by step; every step does nothing when its work is done, so a half-made lab is completed. */
import { constants, existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { CONTROL, FABRIC, addressOf, hostNames, hostsFile } from "./addresses.ts";
import { cacheDirectory, type Report } from "./cache.ts";
import { makeCertificates } from "./certificates.ts";
import { run } from "./command.ts";
import { plug, startFabric } from "./fabric.ts";
import { LabHost, type HostEquipment } from "./lab-host.ts";
import type { LabPaths } from "./lab-paths.ts";
import { initOf, isOn, machineSays, switchOff, switchOn } from "./machine-power.ts";

export function equipmentOf(qemuRoot: string | undefined): HostEquipment {
  const name = `capabilities-${qemuRoot === undefined ? "installed" : basename(qemuRoot)}`;
  return { qemuRoot, capabilities: join(cacheDirectory(), name) };
}

export interface BringUp {
  readonly paths: LabPaths;
  /** How many hosts there shall be; a lab that has more keeps them. */
  readonly count: number;
  readonly equipment: HostEquipment;
  /** The directory that holds the tiny guest. */
  readonly guest: string;
  readonly report: Report;
}

export async function bringUp({
  paths,
  count,
  equipment,
  guest,
  report,
}: BringUp): Promise<readonly LabHost[]> {
  const names = hostNames(await describe(paths, count));
  await endOrphans(paths, names);
  await Promise.all([
    startFabric(paths),
    makeCertificates(paths.certificates, [CONTROL, ...names]),
    placeGuest(join(paths.shared, "guest"), guest),
  ]);
  await startControl(paths);
  const hosts = names.map((name) => new LabHost(name, paths, equipment));
  const started = performance.now();
  // One alone finds out about QEMU for the others: at once they would all take long.
  if (!existsSync(equipment.capabilities)) await bootFirst(hosts[0], report);
  await Promise.all(hosts.map((host) => host.boot()));
  report(`${names.length} hosts are up (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return hosts;
}

async function bootFirst(host: LabHost | undefined, report: Report): Promise<void> {
  if (host === undefined) return;
  report("libvirt looks at this QEMU for the first time; that is kept for later labs");
  await host.boot();
  await host.keepCapabilities();
}

/** Marks the directory as a lab, before anything is in it. Gives the number of hosts. */
async function describe(paths: LabPaths, count: number): Promise<number> {
  let hosts = count;
  if (existsSync(paths.description)) {
    const known = JSON.parse(await readFile(paths.description, "utf8")) as {
      readonly hosts: number;
    };
    hosts = Math.max(count, known.hosts);
  }
  await writeFile(`${paths.description}.new`, `${JSON.stringify({ hosts })}\n`);
  await rename(`${paths.description}.new`, paths.description);
  await mkdir(paths.processes, { recursive: true });
  return hosts;
}

/** Without the fabric the machines have lost storage and network for good: they are started anew. */
async function endOrphans(paths: LabPaths, hosts: readonly string[]): Promise<void> {
  if (isOn(paths, FABRIC)) return;
  await Promise.all([CONTROL, ...hosts].map((name) => switchOff(paths, name)));
}

/** Puts the guest on the shared storage. Images that VMs may use already are left as they are. */
async function placeGuest(directory: string, guest: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const file of ["vmlinuz", "initrd.gz", "disk.qcow2"]) {
    const target = join(directory, file);
    if (existsSync(target)) continue;
    await copyFile(join(guest, file), `${target}.new`, constants.COPYFILE_FICLONE);
    await rename(`${target}.new`, target);
  }
}

async function startControl(paths: LabPaths): Promise<void> {
  const home = paths.machine(CONTROL);
  const connected = join(home, "connected");
  if (!isOn(paths, CONTROL)) {
    await mkdir(home, { recursive: true });
    await Promise.all([rm(connected, { force: true }), rm(join(home, "ready"), { force: true })]);
    await writeFile(join(home, "hosts"), hostsFile());
    await switchOn(paths, {
      name: CONTROL,
      kind: "control",
      init: ["control-init.sh", paths.directory],
    });
  }
  await machineSays(paths, CONTROL, join(home, "ready"));
  if (existsSync(connected)) return;
  await plug(paths, CONTROL, "mgmt");
  const script = `ip addr add ${addressOf(CONTROL)}/24 dev eth0; ip link set eth0 up`;
  await run(["nsenter", "-t", String(initOf(paths, CONTROL)), "-n", "sh", "-ec", script]);
  await writeFile(connected, "");
}
