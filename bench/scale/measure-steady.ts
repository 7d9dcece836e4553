/** What a coordinator costs while nothing special happens: heartbeats, full reports, and VMs that change now and then. */
import { share, type Row } from "./table.ts";
import type { MeasuredCluster } from "./measured-cluster.ts";
import { pause } from "./programs.ts";

const IDLE_MS = 8_000;
/** One full report of every host comes in, whatever the moment. */
const WINDOW_MS = 60_000;
/** Of all VMs: one in 5,000 changes its state every second, each some seven times a day. */
const CHANGES_PER_VM_SECOND = 1 / 5_000;

export interface Idle {
  readonly cpuShare: number;
  readonly residentBytes: number;
}

/** Before any agent runs. */
export async function measureIdle(cluster: MeasuredCluster): Promise<Idle> {
  await pause(2_000);
  const [cpu, beganMs] = [cluster.cpuSeconds, performance.now()];
  const before = cpu();
  await pause(IDLE_MS);
  const cpuShare = (cpu() - before) / ((performance.now() - beganMs) / 1_000);
  return { cpuShare, residentBytes: cluster.residentBytes };
}

export interface Steady {
  readonly cpuShare: number;
  readonly fleetShare: number;
  readonly residentBytes: number;
  readonly roundTripP50Ms: number;
  readonly roundTripP99Ms: number;
  readonly bytesPerSecond: number;
}

export async function measureSteady(
  cluster: MeasuredCluster,
  windowMs: number = WINDOW_MS,
): Promise<Steady> {
  const { hosts, vmsPerHost } = cluster.size;
  const [fleet] = cluster.fleets;
  if (fleet === undefined) throw new Error("no fleet runs");
  await fleet.ask({ kind: "churn", perSecond: hosts * vmsPerHost * CHANGES_PER_VM_SECOND });
  await pause(2_000);
  const [marked] = await cluster.askAll({ kind: "mark" });
  const [cpu, beganMs] = [cluster.cpuSeconds, performance.now()];
  const before = cpu();
  await pause(windowMs);
  const seconds = (performance.now() - beganMs) / 1_000;
  const cpuShare = (cpu() - before) / seconds;
  const statuses = await cluster.askAll({ kind: "status" });
  await fleet.ask({ kind: "churn", perSecond: 0 });
  const [status] = statuses;
  if (status === undefined || marked === undefined) throw new Error("no fleet answers");
  if (status.live !== status.agents) throw new Error(`only ${String(status.live)} agents are live`);
  const bytes = statuses.reduce((sum, each) => sum + each.bytesSent + each.bytesReceived, 0);
  return {
    cpuShare,
    fleetShare: (status.cpuSeconds - marked.cpuSeconds) / seconds,
    residentBytes: cluster.residentBytes,
    roundTripP50Ms: share(status.roundTripsMs, 0.5),
    roundTripP99Ms: share(status.roundTripsMs, 0.99),
    bytesPerSecond: bytes / seconds,
  };
}

export interface SteadyBars {
  readonly cpuPercent?: number;
  readonly residentMb?: number;
  readonly roundTripP99Ms?: number;
  readonly kbPerSecond?: number;
}

/** Bars are set for two sizes; others only show how it grows. */
export function steadyBars(hosts: number, heartbeatMs: number): SteadyBars {
  if (hosts === 1_000 && heartbeatMs === 5_000) {
    return { cpuPercent: 3, residentMb: 150, kbPerSecond: 100 };
  }
  if (hosts === 5_000 && heartbeatMs === 1_000) return { cpuPercent: 35, roundTripP99Ms: 25 };
  return {};
}

export function steadyRows(
  hosts: string,
  parts: { readonly idle: Idle; readonly steady: Steady; readonly bars: SteadyBars },
): readonly Row[] {
  const { idle, steady, bars } = parts;
  const name = `${hosts} hosts`;
  const over = (steady.cpuShare - idle.cpuShare) * 100;
  return [
    { what: `${name}: CPU over idle`, value: over, unit: "%", bar: bars.cpuPercent },
    {
      what: `${name}: resident over idle`,
      value: (steady.residentBytes - idle.residentBytes) / 1e6,
      unit: "MB",
      bar: bars.residentMb,
    },
    { what: `${name}: resident, all`, value: steady.residentBytes / 1e6, unit: "MB" },
    { what: `${name}: heartbeat p50`, value: steady.roundTripP50Ms, unit: "ms" },
    {
      what: `${name}: heartbeat p99`,
      value: steady.roundTripP99Ms,
      unit: "ms",
      bar: bars.roundTripP99Ms,
    },
    {
      what: `${name}: traffic`,
      value: steady.bytesPerSecond / 1e3,
      unit: "kB/s",
      bar: bars.kbPerSecond,
    },
    { what: `${name}: CPU of the agents`, value: steady.fleetShare * 100, unit: "%" },
  ];
}
