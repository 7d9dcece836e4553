/**
 * A rack of hypervisors on one machine, for tests and for the quickstart. Every host is a set of namespaces with
 * its own libvirtd, QEMU VMs (emulated), Open vSwitch, files and network cards; `ctl` is one more machine on their
 * management network, for the coordinator and its clients. Root and Debian's packages are needed, no KVM.
 *
 * Start at Lab.up(). What a host can suffer is in lab-host.ts; how it is made in shell/host-init.sh.
 */
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CONTROL, hostNames } from "./addresses.ts";
import { qemuRoot, tinyGuest } from "./artifacts.ts";
import type { Report } from "./cache.ts";
import { run, type CommandResult } from "./command.ts";
import { setStorage } from "./fabric.ts";
import { guestExec, guestStatus, waitForGuest, type GuestStatus } from "./guest-agent.ts";
import { consoleLog } from "./guest-console.ts";
import { takeDown } from "./lab-down.ts";
import { LabHost } from "./lab-host.ts";
import { withLabLock } from "./lab-lock.ts";
import { HOSTS_MAX, LabPaths } from "./lab-paths.ts";
import { checkDirectory, checkMachine } from "./lab-place.ts";
import { bringUp, equipmentOf } from "./lab-up.ts";
import { LabMachine } from "./machine.ts";

export type { Cable } from "./addresses.ts";
export { CommandError, type CommandResult } from "./command.ts";
export { addressFromMac } from "./guest-address.ts";
export type { GuestStatus } from "./guest-agent.ts";
export { guestXml, type GuestSpec } from "./guest-xml.ts";
export { LabHost, type DaemonAction } from "./lab-host.ts";
export { LabProcess, type LabProcessExit } from "./lab-process.ts";
export { LabMachine, type ExecOptions, type SpawnOptions } from "./machine.ts";
export { waitFor } from "./waiting.ts";

export interface LabPlace {
  /** Absolute and short (socket paths). Default $MUSTER_LAB_DIR, else /tmp/muster-lab. */
  readonly directory?: string;
}

export interface LabUpOptions extends LabPlace {
  readonly hosts: number;
  /** Told what is being done. Default: nothing is said. */
  readonly report?: Report;
}

/** A guest needs 8 to 15 s to boot; on a machine full of emulated VMs a minute. */
const GUEST_TIMEOUT_MS = 120_000;

export function defaultLabDirectory(): string {
  const chosen = process.env["MUSTER_LAB_DIR"];
  return chosen === undefined || chosen === "" ? "/tmp/muster-lab" : chosen;
}

export class Lab implements AsyncDisposable {
  readonly directory: string;
  readonly hosts: readonly LabHost[];
  /** The machine `ctl`, 10.99.0.250: coordinator, CLI, Prometheus. */
  readonly control: LabMachine;

  private constructor(paths: LabPaths, hosts: readonly LabHost[]) {
    this.directory = paths.directory;
    this.hosts = hosts;
    this.control = new LabMachine(CONTROL, paths);
  }

  /**
   * Brings a lab up, or completes one: machines that run are left alone, others are started.
   * A lab that was not there before and cannot be brought up is taken down again.
   * @throws Error saying which part failed and what it said
   */
  static async up({
    hosts,
    directory = defaultLabDirectory(),
    report = () => undefined,
  }: LabUpOptions): Promise<Lab> {
    if (!Number.isInteger(hosts) || hosts < 1 || hosts > HOSTS_MAX) {
      throw new Error(`a lab has 1 to ${HOSTS_MAX} hosts, not ${hosts}`);
    }
    const paths = new LabPaths(directory);
    await checkMachine();
    await checkDirectory(paths);
    const [qemu, guest] = [await qemuRoot(report), await tinyGuest(report)];
    return withLabLock(paths, async () => {
      const isNew = !existsSync(paths.description);
      try {
        return new Lab(
          paths,
          await bringUp({ paths, count: hosts, equipment: equipmentOf(qemu), guest, report }),
        );
      } catch (error) {
        if (isNew) await takeDown(paths);
        throw error;
      }
    });
  }

  /** The lab that is in a directory. @throws Error when there is none. */
  static async open(place: LabPlace = {}): Promise<Lab> {
    const lab = await Lab.openOrNothing(place);
    if (lab === undefined) {
      throw new Error(
        `there is no lab in ${place.directory ?? defaultLabDirectory()}; npm run lab -- up 3 makes one`,
      );
    }
    return lab;
  }

  static async openOrNothing({ directory = defaultLabDirectory() }: LabPlace = {}): Promise<
    Lab | undefined
  > {
    const paths = new LabPaths(directory);
    if (!existsSync(paths.description)) return undefined;
    const { hosts } = JSON.parse(readFileSync(paths.description, "utf8")) as {
      readonly hosts: number;
    };
    const equipment = equipmentOf(await qemuRoot(() => undefined));
    return new Lab(
      paths,
      hostNames(hosts).map((name) => new LabHost(name, paths, equipment)),
    );
  }

  /** Ends every machine of a lab and removes all its files, also of one that is half made, half dead or not there. */
  static async down({ directory = defaultLabDirectory() }: LabPlace = {}): Promise<void> {
    const paths = new LabPaths(directory);
    if (!existsSync(directory)) return;
    await checkDirectory(paths);
    await withLabLock(paths, () => takeDown(paths));
  }

  async down(): Promise<void> {
    await Lab.down({ directory: this.directory });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  /** @throws Error for a name that is not one of the hosts. */
  host(name: string): LabHost {
    const host = this.hosts.find((candidate) => candidate.name === name);
    if (host === undefined)
      throw new Error(
        `the lab has no host ${name}, only ${this.hosts.map((h) => h.name).join(", ")}`,
      );
    return host;
  }

  /** A host or ctl. */
  machine(name: string): LabMachine {
    return name === CONTROL ? this.control : this.host(name);
  }

  /** virsh against a host, from outside. Gives its standard output without the blank ends. */
  async virsh(host: string, args: readonly string[]): Promise<string> {
    const { stdout } = await run(["virsh", "-c", this.host(host).libvirtUri, ...args]);
    return stdout.trim();
  }

  /** Runs a program (absolute path) in a guest through its agent; any exit code is a result. */
  async guestExec(
    host: string,
    vm: string,
    argv: readonly string[],
    options: { readonly timeoutMs?: number } = {},
  ): Promise<CommandResult> {
    return guestExec(this.host(host).libvirtUri, vm, argv, options);
  }

  async guestStatus(host: string, vm: string): Promise<GuestStatus> {
    return guestStatus(this.host(host).libvirtUri, vm);
  }

  async waitForGuest(
    host: string,
    vm: string,
    { timeoutMs = GUEST_TIMEOUT_MS }: { readonly timeoutMs?: number } = {},
  ): Promise<GuestStatus> {
    return waitForGuest(this.host(host).libvirtUri, vm, timeoutMs);
  }

  /** All that a VM has said on its serial console, on this host. @throws Error when its XML keeps no log of it. */
  async console(host: string, vm: string): Promise<string> {
    const file = consoleLog(await this.virsh(host, ["dumpxml", vm]), vm);
    return readFile(join(this.host(host).directory, file), "utf8");
  }

  async hangStorage(): Promise<void> {
    await setStorage(new LabPaths(this.directory), "hang");
  }

  async resumeStorage(): Promise<void> {
    await setStorage(new LabPaths(this.directory), "resume");
  }
}
