/**
 * The same questions at growing sizes, on made-up clusters with every kind of rule in use: how the cost of
 * one placement grows, how many a second a batch makes, and what drains, failures and capacity cost.
 */
import { writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import {
  capacity,
  openPlanner,
  planDrain,
  type HostSnapshot,
  type PlaceRequest,
  type Snapshot,
} from "@muster/planner";

const GIB = 1024n ** 3n;

/** Numerical Recipes' generator: any will do, as long as a run can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

export function madeUpCluster(hostCount: number, seed: number): Snapshot {
  const random = randomFrom(seed);
  const pick = (limit: number) => Math.floor(random() * limit);
  const hosts = Array.from({ length: hostCount }, (_, index): HostSnapshot => {
    const id = `host-${String(index).padStart(5, "0")}`;
    return {
      id,
      name: id,
      state: random() < 0.99 ? "online" : "unknown",
      cordoned: random() < 0.01,
      capacity: { cpus: 64, memoryBytes: 256n * GIB, memoryReservedBytes: 4n * GIB },
      networks: ["blue", "green", "red"].filter(() => random() < 0.95),
      storages: [
        { name: "rbd", freeBytes: 1_000_000_000n * GIB, shared: true },
        { name: "local", freeBytes: 500n * GIB, shared: false },
      ],
      labels: { disk: random() < 0.9 ? "ssd" : "hdd" },
      machineTypes: ["pc-q35-9.0"],
      cpuModels: ["Skylake-Server"],
      failureDomain: ["site", `row-${index % 10}`, `rack-${index % 100}`],
      measured: { cpu: random(), memory: random() },
    };
  });
  const groups = Math.max(10, Math.floor(hostCount / 2));
  const vms = Array.from({ length: hostCount * 20 }, (_, index) => ({
    id: `vm-${String(index).padStart(6, "0")}`,
    name: `vm-${index}`,
    state: "running" as const,
    hostId: hosts[pick(hostCount)]?.id ?? "",
    cpus: 1 + pick(4),
    memoryBytes: BigInt(1 + pick(16)) * GIB,
    networks: ["blue"],
    groups: [`group-${index % groups}`],
  }));
  const rules = Array.from({ length: groups }, (_, index) => ({
    name: `rule-${index}`,
    group: `group-${index}`,
    mode: "spread" as const,
    strength: index % 2 === 0 ? ("required" as const) : ("preferred" as const),
    level: index % 3 === 0 ? "rack" : "host",
    max: 8,
  }));
  return { version: 1, hosts, vms, claims: [], rules };
}

function request(index: number, groups: number): PlaceRequest {
  return {
    vm: {
      id: `new-${index}`,
      name: `new-${index}`,
      cpus: 1 + (index % 8),
      memoryBytes: BigInt(1 + (index % 32)) * GIB,
      networks: ["blue", "green"],
      disks: [{ storage: "rbd", sizeBytes: 40n * GIB }],
      groups: [`group-${index % groups}`],
      hostLabels: { disk: "ssd" },
      machineType: "pc-q35-9.0",
      cpuModel: "Skylake-Server",
    },
  };
}

export function benchScale(args: {
  readonly sizes: readonly number[];
  readonly json: string | undefined;
}): void {
  const rows = args.sizes.map(measureScale);
  if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(rows, null, 1)}\n`);
  console.table(rows);
}

export function measureScale(hosts: number) {
  const snapshot = madeUpCluster(hosts, 7);
  const groups = Math.max(10, Math.floor(hosts / 2));
  const [openMs, planner] = timed(() => openPlanner(snapshot));
  const asks = hosts >= 10_000 ? 1000 : 3000;
  // The first thousand are for the compiler.
  const times = Array.from({ length: asks + 1000 }, (_, index) => {
    const asked = request(index, groups);
    return timed(() => planner.place(asked))[0];
  }).slice(1000);
  times.sort((a, b) => a - b);
  // What a request costs whatever else the machine does: each is asked some times, the quickest counts.
  const quickest = Array.from({ length: 1000 }, (_, index) =>
    Math.min(
      ...Array.from({ length: 5 }, () => timed(() => planner.place(request(index, groups)))[0]),
    ),
  );
  quickest.sort((a, b) => a - b);
  // A batch that nearly all fits: refusals, with every reason of every host, are measured on their own.
  const batch = Math.min(4000, hosts * 3);
  const cpuBefore = process.cpuUsage();
  let placed = 0;
  const [batchMs] = timed(() => {
    for (let index = 0; index < batch; index++) {
      if (planner.placeAndClaim(request(index, groups)).ok) placed++;
    }
  });
  const cpu = process.cpuUsage(cpuBefore);
  const giant = { ...request(0, groups) };
  const tooLarge = { vm: { ...giant.vm, memoryBytes: 9999n * GIB } };
  const [refuseMs] = best(() => planner.place(tooLarge));
  const busiest = snapshot.hosts[Math.floor(hosts / 2)]?.id ?? "";
  const [drainMs, drain] = best(() => planDrain(snapshot, [busiest]));
  const careful = { ...snapshot, policy: { survive: { level: "host", count: 1 } } };
  const [surviveMs] = timed(() => openPlanner(careful).usage.survival?.broken().length);
  const shape = { cpus: 2, memoryBytes: 4n * GIB };
  const [capacityMs, room] = timed(() => capacity(snapshot, [shape], { countMax: 50_000 }));
  return {
    hosts,
    vms: snapshot.vms.length,
    openMs: round(openMs),
    placeP50Ms: round(times[Math.floor(asks * 0.5)] ?? 0),
    placeP99Ms: round(times[Math.floor(asks * 0.99)] ?? 0),
    quickestP50Ms: round(quickest[500] ?? 0),
    quickestP99Ms: round(quickest[990] ?? 0),
    placedPerSecond: Math.round(placed / (batchMs / 1000)),
    placedPerCpuSecond: Math.round(placed / ((cpu.user + cpu.system) / 1e6)),
    refusedWithReasonsMs: round(refuseMs),
    drained: drain.moves.length,
    drainMs: round(drainMs),
    openWithSurvivalMs: round(surviveMs),
    capacity: room.tiers[0]?.count ?? 0,
    capacityMs: round(capacityMs),
  };
}

function timed<Result>(work: () => Result): readonly [number, Result] {
  const startedAt = performance.now();
  const result = work();
  return [performance.now() - startedAt, result];
}

function best<Result>(work: () => Result): readonly [number, Result] {
  const [first, result] = timed(work);
  return [Math.min(first, timed(work)[0], timed(work)[0]), result];
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
