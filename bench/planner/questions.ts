/** Drain, recovery, capacity and survival on an htools cluster, where hail, hbal and hspace answer too. */
import { writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { capacity, openPlanner, planDrain, planRecovery, type Snapshot } from "@muster/planner";
import { readHtools, snapshotOf } from "./htools.ts";

/** hspace's standard instance in the comparison: 4 GiB and 2 CPUs. */
const STANDARD = { cpus: 2, memoryBytes: 4n * 1024n ** 3n };

export function benchQuestions(args: {
  readonly htools: string;
  readonly json: string | undefined;
}): void {
  const rows = askQuestions(args.htools);
  if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(rows, null, 1)}\n`);
  console.table(rows);
}

export function askQuestions(htools: string) {
  const snapshot = snapshotOf(readHtools(htools));
  const careful: Snapshot = { ...snapshot, policy: { survive: { level: "host", count: 1 } } };
  const busiest = busiestHost(snapshot);
  const tenth = snapshot.hosts.filter((_, index) => index % 10 === 3).map((host) => host.id);
  return [
    measure("open", () => ({ vms: openPlanner(snapshot).usage.hosts.length })),
    measure("drain the busiest host", () => plan(planDrain(snapshot, [busiest]))),
    measure("drain every tenth host", () => plan(planDrain(snapshot, tenth))),
    measure("recover the busiest host", () => plan(planRecovery(snapshot, [busiest]))),
    measure("can every host fail?", () => ({
      failuresNotSurvived: openPlanner(careful).usage.survival?.broken().length ?? 0,
    })),
    measure("capacity", () => ({ count: capacity(snapshot, [STANDARD]).tiers[0]?.count ?? 0 })),
    measure("capacity, each host may fail", () => ({
      count: capacity(careful, [STANDARD]).tiers[0]?.count ?? 0,
      countCeiling: ceiling(snapshot),
    })),
  ];
}

/**
 * More than this cannot be there if each host may fail. The VMs of the inputs that are no smaller than the standard
 * one are multiples of it, so each needs whole places elsewhere when its host fails; only what the smaller ones
 * take, and less than one place that the host itself has left over, needs none.
 */
function ceiling(snapshot: Snapshot): number {
  const { hostIndexById, memoryFreeMiB, memoryCapacityMiB } = openPlanner(snapshot).usage;
  const placeMiB = Number(STANDARD.memoryBytes) / 1024 ** 2;
  const smallMiB = new Float64Array(memoryFreeMiB.length);
  for (const { hostId = "", memoryBytes } of snapshot.vms) {
    if (memoryBytes >= STANDARD.memoryBytes) continue;
    const host = hostIndexById.get(hostId) ?? -1;
    smallMiB[host] = (smallMiB[host] ?? 0) + Number(memoryBytes) / 1024 ** 2;
  }
  const places = memoryFreeMiB.reduce((sum, free) => sum + Math.floor(free / placeMiB), 0);
  const needed = memoryCapacityMiB.map((all, host) => (all - (smallMiB[host] ?? 0)) / placeMiB - 1);
  return places - Math.max(0, Math.ceil(Math.max(...needed)));
}

function plan(found: ReturnType<typeof planDrain>) {
  const { moves, waveCount, stuck } = found;
  return { moves: moves.length, waves: waveCount, stuck: stuck.length };
}

function busiestHost(snapshot: Snapshot): string {
  const counts = new Map<string, number>();
  for (const { hostId = "" } of snapshot.vms) counts.set(hostId, (counts.get(hostId) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0] ?? "";
}

/** The best of three, as everywhere here: the first also pays for the compiler. */
interface Counts {
  readonly moves?: number;
  readonly waves?: number;
  readonly stuck?: number;
  readonly count?: number;
  readonly countCeiling?: number;
  readonly vms?: number;
  readonly failuresNotSurvived?: number;
}

function measure(question: string, ask: () => Counts) {
  let milliseconds = Infinity;
  let cpuMilliseconds = Infinity;
  let answer: Counts = {};
  for (let run = 0; run < 3; run++) {
    const startedAt = performance.now();
    const cpuBefore = process.cpuUsage();
    answer = ask();
    const cpu = process.cpuUsage(cpuBefore);
    milliseconds = Math.min(milliseconds, performance.now() - startedAt);
    cpuMilliseconds = Math.min(cpuMilliseconds, (cpu.user + cpu.system) / 1000);
  }
  return { question, milliseconds, cpuMilliseconds, ...answer };
}
