/**
 * Asks the system about its host: the only place that knows systeminformation, which is large and starts processes.
 * It is loaded when the first full inventory is wanted; the load, asked for every few seconds, is read from /proc.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostLoad } from "@muster/model";
import type { Systeminformation } from "systeminformation";
import { parseMounts } from "./mounts.ts";
import {
  cpuUsedRatio,
  parseCpuTimes,
  parseFrequencyMhz,
  parseLoad,
  parseMemory,
  type CpuTimes,
} from "./parse-proc.ts";
import { readFreeHugePages } from "./huge-pages.ts";
import type { SystemFacts, SystemNic, SystemProbe } from "./system-facts.ts";

const sinceBoot: CpuTimes = { busy: 0n, total: 0n };

export class LinuxSystem implements SystemProbe {
  readonly #procPath: string;
  readonly #nodePath: string;
  #cpuTimes: CpuTimes = sinceBoot;

  constructor(options: { readonly procPath?: string; readonly nodePath?: string } = {}) {
    this.#procPath = options.procPath ?? "/proc";
    this.#nodePath = options.nodePath ?? "/sys/devices/system/node";
  }

  async readFacts(): Promise<SystemFacts> {
    const information = await import("systeminformation");
    const [cpu, system, os, interfaces, mounts, meminfo, cpuinfo, bootId] = await Promise.all([
      information.cpu(),
      information.system(),
      information.osInfo(),
      information.networkInterfaces(),
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
      nics: listOf(interfaces).map(nicFrom).filter(isHostNic),
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

type Interface = Systeminformation.NetworkInterfacesData;

const listOf = (interfaces: Interface | readonly Interface[]): readonly Interface[] =>
  Array.isArray(interfaces) ? (interfaces as readonly Interface[]) : [interfaces as Interface];

/** Node says "x64" and "arm64" where libvirt and the kernel say otherwise. */
const libvirtArchitecture = (name: string): string =>
  ({ x64: "x86_64", arm64: "aarch64" })[name] ?? name;

function nicFrom(nic: Interface): SystemNic {
  const withPrefix = (address: string, mask: string): readonly string[] =>
    address === "" ? [] : [`${address}/${String(prefixLength(mask))}`];
  return {
    name: nic.iface,
    mac: nic.mac.toLowerCase(),
    speedMbit: nic.speed !== null && nic.speed > 0 ? nic.speed : 0,
    addresses: [...withPrefix(nic.ip4, nic.ip4subnet), ...withPrefix(nic.ip6, nic.ip6subnet)],
    up: nic.operstate === "up",
    kind: kindOf(nic),
    mtu: nic.mtu ?? 0,
  };
}

function kindOf(nic: Interface): string {
  if (nic.iface.startsWith("bond")) return "bond";
  if (/^(br|virbr|ovs)/.test(nic.iface)) return "bridge";
  if (nic.virtual) return "virtual";
  return nic.type === "" ? "unknown" : nic.type;
}

/** Not the loopback, and not the guests' ends of their cables. */
const isHostNic = (nic: SystemNic): boolean => !/^(lo$|vnet|tap|macvtap)/.test(nic.name);

/** "255.255.255.0" → 24, "ffff:ffff::" → 32. */
export function prefixLength(mask: string): number {
  const groups = mask.includes(":")
    ? mask.split(":").map((group) => Number.parseInt(group === "" ? "0" : group, 16))
    : mask.split(".").map(Number);
  const bits = (value: number): number =>
    [...value.toString(2)].filter((bit) => bit === "1").length;
  return groups.reduce((sum, group) => sum + (Number.isNaN(group) ? 0 : bits(group)), 0);
}
