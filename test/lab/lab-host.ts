/** A host of the lab: a machine with libvirt, a switch and two network cards, whose power and cables can be pulled. */
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cables, hostUuid, type Cable } from "./addresses.ts";
import { run } from "./command.ts";
import { limitBandwidth, plug, setCable, setVlan } from "./fabric.ts";
import { clearRun, makeHostFiles } from "./host-files.ts";
import type { LabPaths } from "./lab-paths.ts";
import { LabMachine } from "./machine.ts";
import { initOf, isOn, lastWords, machineSays, switchOff, switchOn } from "./machine-power.ts";
import { waitFor } from "./waiting.ts";

export interface HostEquipment {
  /** Root of an unpacked QEMU to use; undefined: the installed one. */
  readonly qemuRoot: string | undefined;
  /** Directory that keeps what libvirt found out about that QEMU. */
  readonly capabilities: string;
}

export type DaemonAction = "start" | "stop" | "kill" | "restart";

/** Under load, with emulated VMs on all processors, libvirtd may take this long to answer. */
const LIBVIRT_TIMEOUT_MS = 60_000;

const daemonScript = join(import.meta.dirname, "shell/host-libvirtd.sh");

export class LabHost extends LabMachine {
  readonly uuid: string;
  /** libvirt's socket, seen from outside the host. */
  readonly socketPath: string;
  readonly libvirtUri: string;
  readonly #equipment: HostEquipment;

  constructor(name: string, paths: LabPaths, equipment: HostEquipment) {
    super(name, paths);
    this.uuid = hostUuid(name);
    this.socketPath = paths.socket(name);
    this.libvirtUri = `qemu+unix:///system?socket=${this.socketPath}`;
    this.#equipment = equipment;
  }

  /** Powers the host on and waits until libvirt answers. Completes a boot that was interrupted. */
  async boot(): Promise<void> {
    const { name, paths } = this;
    if (!isOn(paths, name)) {
      await makeHostFiles(paths, name, this.#equipment.capabilities);
      await clearRun(paths, name);
      await switchOn(paths, {
        name,
        kind: "host",
        init: ["host-init.sh", paths.directory, name],
        env: { LAB_QEMU_ROOT: this.#equipment.qemuRoot ?? "" },
      });
    }
    await machineSays(paths, name, join(this.directory, "run/lab-files-ready"));
    await this.#connect();
    await machineSays(paths, name, join(this.directory, "run/lab-ready"));
    await this.#waitForLibvirt();
  }

  /** A power cut: everything in the host ends at once and its peers hear nothing of it. Disks are kept. */
  async crash(): Promise<void> {
    if (!isOn(this.paths, this.name)) throw new Error(`${this.name} is not up`);
    // The cables first: the kernel would otherwise still say goodbye on the sockets of the dying.
    for (const cable of cables) await this.cut(cable);
    await switchOff(this.paths, this.name);
  }

  async cut(cable: Cable = "mgmt"): Promise<void> {
    await setCable(this.paths, this.name, cable, "down");
  }

  async heal(cable: Cable = "mgmt"): Promise<void> {
    await setCable(this.paths, this.name, cable, "up");
  }

  /** The switch between the hosts no longer carries this VLAN to and from this one. */
  async cutVlan(vlan: number): Promise<void> {
    await setVlan(this.paths, this.name, vlan, "down");
  }

  async healVlan(vlan: number): Promise<void> {
    await setVlan(this.paths, this.name, vlan, "up");
  }

  /** Limits the management network both ways; 0 takes the limit away. */
  async limit(megabitsPerSecond: number): Promise<void> {
    await limitBandwidth(this.paths, this.name, megabitsPerSecond);
  }

  /** What a person or a crash does to libvirtd. VMs run on. */
  async libvirtd(action: DaemonAction): Promise<void> {
    if (action !== "start")
      await this.exec([daemonScript, "end", action === "kill" ? "KILL" : "TERM"]);
    if (action === "start" || action === "restart") {
      await this.exec([daemonScript, "start"]);
      await this.#waitForLibvirt();
    }
  }

  /** Saves what libvirt probed, when it is newer than what was kept. libvirt itself checks that it still holds. */
  async keepCapabilities(): Promise<void> {
    const kept = this.#equipment.capabilities;
    const own = join(this.directory, "var/cache/libvirt");
    const [ownTime, keptTime] = await Promise.all([newestOf(own), newestOf(kept)]);
    if (ownTime <= keptTime) return;
    const copy = `${kept}.${process.pid}-${this.name}`;
    await mkdir(join(kept, ".."), { recursive: true });
    await cp(own, copy, { recursive: true, preserveTimestamps: true });
    await rm(kept, { recursive: true, force: true });
    try {
      await rename(copy, kept);
    } catch (error) {
      // Another lab was quicker with the same findings.
      await rm(copy, { recursive: true, force: true });
      if (!existsSync(kept)) throw error;
    }
  }

  async #connect(): Promise<void> {
    const connected = join(this.directory, "run/lab-network-ready");
    if (existsSync(connected)) return;
    await Promise.all(cables.map((cable) => plug(this.paths, this.name, cable)));
    const script = `ip addr add ${this.address}/24 dev eth0; ip link set eth0 up; ip link set eth1 mtu 1600 up`;
    await run(["nsenter", "-t", String(initOf(this.paths, this.name)), "-n", "sh", "-ec", script]);
    await writeFile(connected, "");
  }

  async #waitForLibvirt(): Promise<void> {
    const look = async (): Promise<boolean> =>
      (await run(["virsh", "-c", this.libvirtUri, "version"], { check: false })).exitCode === 0;
    await waitFor(`libvirtd of ${this.name} to answer`, look, {
      timeoutMs: LIBVIRT_TIMEOUT_MS,
      explain: () => lastWords(this.paths, this.name),
    });
  }
}

/** When the newest of the probed capabilities was written, in milliseconds; 0 when there is none. */
async function newestOf(cache: string): Promise<number> {
  const directory = join(cache, "qemu/capabilities");
  if (!existsSync(directory)) return 0;
  const files = await readdir(directory);
  const times = await Promise.all(
    files.map(async (file) => (await stat(join(directory, file))).mtimeMs),
  );
  // File systems keep fractions that a copy loses.
  return Math.floor(Math.max(0, ...times));
}
