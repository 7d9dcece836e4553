/**
 * `npm run bench -- scale`: what one coordinator bears. Simulated hosts, each with the production agent, real gRPC and
 * mutual TLS in processes of their own, against the coordinator and the command line as they are installed (dist/).
 *
 * `--only PART,…`: steady, latency, lists, burst, restart, lost, wire. `--hosts 1000`, `--heartbeat 5000`, `--window 60`
 * (seconds of steady state), `--creates 1000`, `--growth 100,400,1000` (steady state and lists for each), `--profile DIRECTORY`.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { measureBurst } from "./measure-burst.ts";
import { measureLatency } from "./measure-latency.ts";
import { measureLists } from "./measure-lists.ts";
import { measureLost } from "./measure-lost.ts";
import { measureRestart } from "./measure-restart.ts";
import { measureIdle, measureSteady, steadyBars, steadyRows } from "./measure-steady.ts";
import { measureWire } from "./measure-wire.ts";
import { MeasuredCluster } from "./measured-cluster.ts";
import { isMissed, renderRow, type Row } from "./table.ts";

const VMS_PER_HOST = 50;
const VICTIMS = 5;
const PARTS = "steady,latency,lists,burst,restart,lost,wire";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: PARTS },
    hosts: { type: "string", default: "1000" },
    growth: { type: "string" },
    heartbeat: { type: "string", default: "5000" },
    window: { type: "string", default: "60" },
    creates: { type: "string", default: "1000" },
    profile: { type: "string" },
  },
});

const parts = values.only.split(",");
const heartbeatMs = Number(values.heartbeat);
const all: Row[] = [];

const load = (): string => (loadavg()[0] ?? 0).toFixed(1);

/** Each part's rows as soon as they are known, with the load of the machine, which the walls suffer from. */
async function part(name: string, measure: () => Promise<readonly Row[]>): Promise<void> {
  const before = load();
  const rows = await measure();
  console.log(`-- ${name} (load average ${before} before, ${load()} after)`);
  for (const row of rows) console.log(renderRow(row));
  all.push(...rows);
}

async function measureCluster(hosts: number, wanted: readonly string[]): Promise<void> {
  const wants = (name: string): boolean => wanted.includes(name);
  const vms = hosts * VMS_PER_HOST;
  console.log(`seeding ${String(hosts)} hosts with ${String(vms)} VMs`);
  const victims = hosts > 2 * VICTIMS ? VICTIMS : 0;
  await using cluster = await MeasuredCluster.seed({
    size: { hosts, vmsPerHost: VMS_PER_HOST },
    heartbeatMs,
    victims,
    ...(values.profile === undefined ? {} : { profileDirectory: values.profile }),
  });
  let idle = { cpuShare: 0, residentBytes: 0 };
  await part(`start, ${String(hosts)} hosts, ${String(vms)} VMs`, async () => {
    const firstReadMs = await cluster.startCoordinator();
    idle = await measureIdle(cluster);
    const [cpu, before] = [cluster.cpuSeconds, cluster.cpuSeconds()];
    await cluster.startFleets();
    const onlineMs = await cluster.untilOnline();
    return [
      { what: "start to first read", value: firstReadMs / 1_000, unit: "s" },
      { what: "idle, nobody connected: CPU", value: idle.cpuShare * 100, unit: "%" },
      { what: "idle, nobody connected: resident", value: idle.residentBytes / 1e6, unit: "MB" },
      { what: "all agents connect at once: until online", value: onlineMs / 1_000, unit: "s" },
      { what: "all agents connect at once: CPU", value: cpu() - before, unit: "s" },
    ];
  });
  if (wants("steady")) {
    await part(`steady state, heartbeat every ${String(heartbeatMs / 1_000)} s`, async () => {
      const steady = await measureSteady(cluster, Number(values.window) * 1_000);
      return steadyRows(String(hosts), { idle, steady, bars: steadyBars(hosts, heartbeatMs) });
    });
  }
  if (wants("latency")) await part("latency", () => measureLatency(cluster));
  if (wants("lists")) await part("lists", () => measureLists(cluster));
  if (wants("lost") && victims > 0) {
    await part("lost hosts", () => measureLost(cluster, heartbeatMs, victims));
    await cluster.untilOnline();
  }
  if (wants("burst")) await part("burst", () => measureBurst(cluster, Number(values.creates)));
  if (wants("restart")) await part("restart", () => measureRestart(cluster));
}

if (values.growth !== undefined) {
  for (const hosts of values.growth.split(",")) {
    await measureCluster(Number(hosts), ["steady", "lists"]);
  }
} else {
  if (parts.includes("wire")) await part("wire", measureWire);
  if (parts.some((name) => name !== "wire")) await measureCluster(Number(values.hosts), parts);
}
const missed = all.filter(isMissed);
console.log(
  `${String(all.filter(({ bar }) => bar !== undefined).length - missed.length)} bars met, ${String(missed.length)} missed`,
);
for (const row of missed) console.log(renderRow(row));
process.exitCode = missed.length > 0 ? 1 : 0;
