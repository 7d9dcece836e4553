/** The few lines of /proc that the load is computed from. Pure. */
import { MusterError } from "@muster/model";

/** Of all CPUs together, in kernel ticks since boot. */
export interface CpuTimes {
  readonly busy: bigint;
  readonly total: bigint;
}

export function parseLoad(loadavg: string): number {
  const first = Number(loadavg.split(" ")[0]);
  if (!Number.isFinite(first)) throw unreadable("/proc/loadavg");
  return first;
}

/** `field` is as in /proc/meminfo: "MemAvailable". */
export function parseMemory(meminfo: string, field: string): bigint {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(meminfo);
  if (match?.[1] === undefined) throw unreadable("/proc/meminfo");
  return BigInt(match[1]) * 1024n;
}

/** Of the first CPU, right now; 0 where the kernel does not say. */
export function parseFrequencyMhz(cpuinfo: string): number {
  const match = /^cpu MHz\s*: (\d+)/m.exec(cpuinfo);
  return match?.[1] === undefined ? 0 : Number(match[1]);
}

export function parseCpuTimes(stat: string): CpuTimes {
  const line = /^cpu +(.+)$/m.exec(stat)?.[1];
  // user nice system idle iowait irq softirq steal; guest times are in user already.
  const times = line?.trim().split(/ +/).slice(0, 8).map(BigInt);
  if (times === undefined || times.length < 5) throw unreadable("/proc/stat");
  const total = times.reduce((sum, time) => sum + time, 0n);
  const idle = (times[3] ?? 0n) + (times[4] ?? 0n);
  return { busy: total - idle, total };
}

/** 0 to 1. Counters that stood still or ran back give 0. */
export function cpuUsedRatio(before: CpuTimes, after: CpuTimes): number {
  const total = Number(after.total - before.total);
  const busy = Number(after.busy - before.busy);
  return total <= 0 ? 0 : Math.min(1, Math.max(0, busy / total));
}

/** From /proc/pressure/cpu and its like: the share of the last minute in which some task waited, 0 to 1. */
export function parsePressure(pressure: string): number {
  const percent = Number(/^some .*\bavg60=([\d.]+)/m.exec(pressure)?.[1]);
  if (!Number.isFinite(percent)) throw unreadable("/proc/pressure");
  return Math.min(1, percent / 100);
}

const unreadable = (path: string): MusterError =>
  new MusterError("internal", `cannot make sense of ${path}`);
