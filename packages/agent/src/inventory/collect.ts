/**
 * Asks the system about its host: the only place that knows systeminformation, which is large and starts processes.
 * It is loaded when the first full inventory is wanted; the load, asked for every few seconds, is read from /proc.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostLoad } from "@muster/model";
import { parseMounts } from "./mounts.ts";
import { readNics } from "./network-interfaces.ts";
import {
  cpuUsedRatio,
  parseCpuTimes,
  parseFrequencyMhz,
  parseLoad,
  parseMemory,
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
    const [loadavg, meminfo, stat] = await Promise.all([
      this.#read("loadavg"),
      this.#read("meminfo"),
      this.#read("stat"),
    ]);
    const before = this.#cpuTimes;
    this.#cpuTimes = parseCpuTimes(stat);
    return {
      load1m: parseLoad(loadavg),
      memoryAvailableBytes: parseMemory(meminfo, "MemAvailable"),
      cpuUsedRatio: cpuUsedRatio(before, this.#cpuTimes),
    };
  }

  #read(name: string): Promise<string> {
    return readFile(join(this.#procPath, name), "utf8");
  }
}

/** Node says "x64" and "arm64" where libvirt and the kernel say otherwise. */
const libvirtArchitecture = (name: string): string =>
  ({ x64: "x86_64", arm64: "aarch64" })[name] ?? name;
