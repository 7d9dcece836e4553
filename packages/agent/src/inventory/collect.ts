/**
 * Asks the system about its host: the only place that knows systeminformation, which is large and starts processes.
 * It is loaded when the first full inventory is wanted; the load, asked for every few seconds, is read from /proc.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostLoad, HostPressure } from "@muster/model";
import { parseMounts } from "./mounts.ts";
import { readNics } from "./network-interfaces.ts";
import {
  cpuUsedRatio,
  parseCpuTimes,
  parseFrequencyMhz,
  parseLoad,
  parseMemory,
  parsePressure,
  type CpuTimes,
} from "./parse-proc.ts";
import { readFreeHugePages } from "./huge-pages.ts";
import type { SystemFacts, SystemProbe } from "./system-facts.ts";

const sinceBoot: CpuTimes = { busy: 0n, total: 0n };

export class LinuxSystem implements SystemProbe {
  readonly #procPath: string;
  readonly #nodePath: string;
  readonly #interfacePath: string;
  #cpuTimes: CpuTimes = sinceBoot;

  constructor(options: { readonly procPath?: string; readonly sysPath?: string } = {}) {
    const sysPath = options.sysPath ?? "/sys";
    this.#procPath = options.procPath ?? "/proc";
    this.#nodePath = join(sysPath, "devices/system/node");
    this.#interfacePath = join(sysPath, "class/net");
  }

  async readFacts(): Promise<SystemFacts> {
    const information = await import("systeminformation");
    const [cpu, system, os, nics, mounts, meminfo, cpuinfo, bootId] = await Promise.all([
      information.cpu(),
      information.system(),
      information.osInfo(),
      readNics(this.#interfacePath),
      this.#read("self/mounts"),
      this.#read("meminfo"),
      this.#read("cpuinfo"),
      this.#read("sys/kernel/random/boot_id"),
    ]);
    return {
      hostname: os.hostname,
      memoryBytes: parseMemory(meminfo, "MemTotal"),
      logicalCpus: cpu.cores,
      cpu: {
        brand: [cpu.manufacturer, cpu.brand].filter((part) => part !== "").join(" "),
        vendor: cpu.vendor,
        sockets: cpu.processors,
        physicalCores: cpu.physicalCores,
        frequencyMhz: Math.round(cpu.speed * 1000) || parseFrequencyMhz(cpuinfo),
        architecture: libvirtArchitecture(os.arch),
      },
      nics,
      mounts: parseMounts(mounts),
      kernel: os.kernel,
      operatingSystem: [os.distro, os.release].filter((part) => part !== "").join(" "),
      hardware: [system.manufacturer, system.model].filter((part) => part !== "").join(" "),
      bootId: bootId.trim(),
      freeHugePages: await readFreeHugePages(this.#nodePath),
    };
  }

  async readLoad(): Promise<HostLoad> {
    const [loadavg, meminfo, stat, pressure] = await Promise.all([
      this.#read("loadavg"),
      this.#read("meminfo"),
      this.#read("stat"),
      this.#readPressure(),
    ]);
    const before = this.#cpuTimes;
    this.#cpuTimes = parseCpuTimes(stat);
    return {
      load1m: parseLoad(loadavg),
      memoryAvailableBytes: parseMemory(meminfo, "MemAvailable"),
      cpuUsedRatio: cpuUsedRatio(before, this.#cpuTimes),
      ...(pressure === undefined ? {} : { pressure }),
    };
  }

  /** Undefined on kernels that do not measure it (`psi=0`, or built without). */
  async #readPressure(): Promise<HostPressure | undefined> {
    const share = async (name: string) => parsePressure(await this.#read(`pressure/${name}`));
    try {
      const [cpu, memory, io] = await Promise.all(["cpu", "memory", "io"].map(share));
      return { cpu: cpu ?? 0, memory: memory ?? 0, io: io ?? 0 };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // No such file without the option; with psi=0 the file is there and cannot be read.
      if (code === "ENOENT" || code === "EOPNOTSUPP") return undefined;
      throw error;
    }
  }

  #read(name: string): Promise<string> {
    return readFile(join(this.#procPath, name), "utf8");
  }
}

/** Node says "x64" and "arm64" where libvirt and the kernel say otherwise. */
const libvirtArchitecture = (name: string): string =>
  ({ x64: "x86_64", arm64: "aarch64" })[name] ?? name;
