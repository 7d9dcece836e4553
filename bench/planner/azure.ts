/**
 * Replays real VM arrivals and departures (Azure, five-minute bins) on identical hosts: the planner, packing,
 * against first-fit, best-fit and worst-fit in one run. Every arrival is placed by looking at every host.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { PACKING_WEIGHTS, openPlanner, type HostSnapshot, type Planner } from "@muster/planner";

export interface AzureArguments {
  readonly data: string;
  readonly hosts: number;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly json: string | undefined;
}

type AzureShape = Omit<AzureArguments, "json">;

interface Event {
  readonly arrives: boolean;
  readonly vm: number;
}

interface Trace {
  /** By VM. */
  readonly cpus: Float64Array;
  readonly memoryMiB: Float64Array;
  readonly events: readonly Event[];
}

/** What a way to place VMs must do; hosts are indexes. */
interface Placer {
  readonly name: string;
  place(vm: number): number;
  release(vm: number, host: number): void;
}

export function benchAzure(args: AzureArguments): void {
  const { vmCount, results } = replayAzure(args);
  if (args.json !== undefined) {
    writeFileSync(args.json, `${JSON.stringify({ ...args, results }, null, 1)}\n`);
  }
  console.log(`${vmCount} VMs on ${args.hosts} hosts of ${args.cpus} CPUs, ${args.memoryGiB} GiB`);
  console.table(results);
}

export function replayAzure(args: AzureShape) {
  const trace = readTrace(args.data);
  const placers = [plannerPlacer(trace, args), ...simplePlacers(trace, args)];
  const results = placers.map((placer) => replay(trace, placer, args));
  return { vmCount: trace.cpus.length, results };
}

function readTrace(data: string): Trace {
  const flavours = new Map<string, { cpus: number; memoryMiB: number }>();
  for (const line of readFileSync(join(data, "flav_map.txt"), "utf8").trim().split("\n")) {
    const [size = "", letter = ""] = line.split(" ");
    const [cpus = 0, memory = 0] = size.split(",").map(Number);
    flavours.set(letter, { cpus, memoryMiB: memory * 1024 });
  }
  const binSeconds = new Map<number, { from: number; to: number }>();
  for (const line of readFileSync(join(data, "v1.interval_map.txt"), "utf8").trim().split("\n")) {
    const [seconds = 0, bin = 0] = line.split(" ").map(Number);
    const known = binSeconds.get(bin);
    binSeconds.set(bin, { from: known?.from ?? seconds, to: seconds + 300 });
  }
  const arrivals = readLines(join(data, "v1.test.txt"));
  const lifetimes = readLines(join(data, "v1.test.c2591400.txt"));
  const cpus: number[] = [];
  const memoryMiB: number[] = [];
  const timed: { at: number; order: number; arrives: boolean; vm: number }[] = [];
  arrivals.forEach(({ at, entries }, row) => {
    const lives = lifetimes[row]?.entries ?? [];
    entries.forEach((letter, index) => {
      const flavour = flavours.get(letter);
      if (flavour === undefined) throw new Error(`unknown flavour ${letter} at ${at}`);
      const vm = cpus.length;
      cpus.push(flavour.cpus);
      memoryMiB.push(flavour.memoryMiB);
      timed.push({ at, order: 1, arrives: true, vm });
      const life = lives[index] ?? "C45";
      const bin = binSeconds.get(Number(life.slice(1)));
      if (life.startsWith("C") || bin === undefined) return;
      timed.push({ at: at + (bin.from + bin.to) / 2, order: 0, arrives: false, vm });
    });
  });
  timed.sort((a, b) => a.at - b.at || a.order - b.order || a.vm - b.vm);
  return { cpus: Float64Array.from(cpus), memoryMiB: Float64Array.from(memoryMiB), events: timed };
}

function readLines(path: string): readonly { at: number; entries: readonly string[] }[] {
  return readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const [at = "", list = ""] = line.split(" ");
      return {
        at: Number(at),
        entries: list.split(",").filter((entry) => entry !== "" && entry !== "|"),
      };
    });
}

function plannerPlacer(trace: Trace, args: AzureShape): Placer {
  const hosts = Array.from({ length: args.hosts }, (_, index): HostSnapshot => {
    const id = `host-${String(index).padStart(6, "0")}`;
    const memoryBytes = BigInt(args.memoryGiB) * 1024n ** 3n;
    const capacity = { cpus: args.cpus, cpuOvercommit: 1, memoryBytes };
    return { id, name: id, state: "online", cordoned: false, capacity };
  });
  const planner: Planner = openPlanner({ version: 1, hosts, vms: [], claims: [] });
  return {
    name: "planner",
    place: (vm) => {
      const id = String(vm);
      const memoryBytes = BigInt((trace.memoryMiB[vm] ?? 0) * 2 ** 20);
      const shape = { id, name: id, cpus: trace.cpus[vm] ?? 0, memoryBytes };
      const hostId = planner.placeQuietly({ vm: shape }, { weights: PACKING_WEIGHTS });
      return hostId === undefined ? -1 : Number(hostId.slice(5));
    },
    release: (vm, host) => planner.release(String(vm), hosts[host]?.id ?? ""),
  };
}

/** The three that every scheduler is compared with, on the same two resources. */
function simplePlacers(trace: Trace, args: AzureShape): readonly Placer[] {
  const rules: readonly (readonly [string, (free: number) => number])[] = [
    ["first-fit", () => 0],
    ["best-fit", (free) => free],
    ["worst-fit", (free) => -free],
  ];
  return rules.map(([name, cost]) => {
    const memoryMax = args.memoryGiB * 1024;
    const freeCpus = new Float64Array(args.hosts).fill(args.cpus);
    const freeMemory = new Float64Array(args.hosts).fill(memoryMax);
    const change = (vm: number, host: number, sign: number) => {
      freeCpus[host] = (freeCpus[host] ?? 0) + sign * (trace.cpus[vm] ?? 0);
      freeMemory[host] = (freeMemory[host] ?? 0) + sign * (trace.memoryMiB[vm] ?? 0);
    };
    return {
      name,
      place: (vm) => {
        const cpus = trace.cpus[vm] ?? 0;
        const memory = trace.memoryMiB[vm] ?? 0;
        let best = -1;
        let lowest = Infinity;
        for (let host = 0; host < args.hosts; host++) {
          const cpusLeft = (freeCpus[host] as number) - cpus;
          const memoryLeft = (freeMemory[host] as number) - memory;
          if (cpusLeft < 0 || memoryLeft < 0) continue;
          const found = cost(cpusLeft / args.cpus + memoryLeft / memoryMax);
          if (found >= lowest) continue;
          best = host;
          lowest = found;
        }
        if (best >= 0) change(vm, best, -1);
        return best;
      },
      release: (vm, host) => change(vm, host, 1),
    };
  });
}

/** Accounts of its own, so that a broken limit would be seen whoever placed. */
function replay(trace: Trace, placer: Placer, args: AzureShape) {
  const memoryMax = args.memoryGiB * 1024;
  const hostOf = new Int32Array(trace.cpus.length).fill(-1);
  const usedCpus = new Float64Array(args.hosts);
  const usedMemory = new Float64Array(args.hosts);
  const vmCount = new Int32Array(args.hosts);
  let refused = 0;
  let refusedCpus = 0;
  let broken = 0;
  let hostsInUse = 0;
  let hostsPeak = 0;
  let hostsSum = 0;
  let strandedSum = 0;
  let samples = 0;
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  trace.events.forEach(({ arrives, vm }, index) => {
    const cpus = trace.cpus[vm] ?? 0;
    const memory = trace.memoryMiB[vm] ?? 0;
    const host = arrives ? placer.place(vm) : (hostOf[vm] ?? -1);
    if (host < 0) {
      if (arrives) refused++;
      if (arrives) refusedCpus += cpus;
      return;
    }
    const sign = arrives ? 1 : -1;
    if (!arrives) placer.release(vm, host);
    hostOf[vm] = arrives ? host : -1;
    usedCpus[host] = (usedCpus[host] ?? 0) + sign * cpus;
    usedMemory[host] = (usedMemory[host] ?? 0) + sign * memory;
    vmCount[host] = (vmCount[host] ?? 0) + sign;
    if ((usedCpus[host] ?? 0) > args.cpus || (usedMemory[host] ?? 0) > memoryMax) broken++;
    if (arrives && vmCount[host] === 1) hostsInUse++;
    if (!arrives && vmCount[host] === 0) hostsInUse--;
    hostsPeak = Math.max(hostsPeak, hostsInUse);
    if (index % 1000 !== 0) return;
    samples++;
    hostsSum += hostsInUse;
    strandedSum += strandedShare(usedCpus, usedMemory, vmCount, args);
  });
  const cpu = process.cpuUsage(cpuBefore);
  return {
    name: placer.name,
    seconds: round((performance.now() - startedAt) / 1000),
    cpuSeconds: round((cpu.user + cpu.system) / 1e6),
    refused,
    refusedCpus,
    limitsBroken: broken,
    hostsPeak,
    hostsMean: round(hostsSum / samples),
    strandedMean: round(strandedSum / samples),
  };
}

/** Of the CPUs free on hosts in use, the share on hosts whose memory has no room for the smallest VM with as many. */
function strandedShare(
  usedCpus: Float64Array,
  usedMemory: Float64Array,
  vmCount: Int32Array,
  args: AzureShape,
): number {
  let free = 0;
  let stranded = 0;
  for (let host = 0; host < args.hosts; host++) {
    if (vmCount[host] === 0) continue;
    const cpus = args.cpus - (usedCpus[host] ?? 0);
    const memoryMiB = args.memoryGiB * 1024 - (usedMemory[host] ?? 0);
    free += cpus;
    stranded += Math.max(0, cpus - memoryMiB / (1.75 * 1024));
  }
  return free === 0 ? 0 : stranded / free;
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
