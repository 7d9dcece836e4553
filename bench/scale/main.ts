/**
 * `npm run bench -- scale [--only steady,...] [--hosts 1000] [--profile DIR]`: what one coordinator bears. Simulated
 * hosts, each with the production agent, real gRPC and mutual TLS; the coordinator as it is installed (dist/).
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { measureIdle, measureSteady, steadyRows } from "./measure-steady.ts";
import { MeasuredCluster } from "./measured-cluster.ts";
import { isMissed, renderRow, type Row } from "./table.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "steady" },
    hosts: { type: "string", default: "1000" },
    heartbeat: { type: "string", default: "5000" },
    window: { type: "string", default: "60" },
    profile: { type: "string" },
  },
});

const rows: Row[] = [];
const say = (text: string): void => {
  console.log(`${new Date().toISOString().slice(11, 19)} load ${loadavg()[0]?.toFixed(1) ?? ""}  ${text}`);
};
const hosts = Number(values.hosts);
const wants = (part: string): boolean => values.only.split(",").includes(part);

say(`seeding ${String(hosts)} hosts with ${String(hosts * 50)} VMs`);
await using cluster = await MeasuredCluster.seed({
  size: { hosts, vmsPerHost: 50 },
  heartbeatMs: Number(values.heartbeat),
  ...(values.profile === undefined ? {} : { profileDirectory: values.profile }),
});
say("starting the coordinator");
rows.push({ what: "start to first read", value: await cluster.startCoordinator(), unit: "ms" });
const idle = await measureIdle(cluster);
rows.push({ what: "idle: CPU", value: idle.cpuShare * 100, unit: "%" });
rows.push({ what: "idle: resident", value: idle.residentBytes / 1e6, unit: "MB" });
say("starting the agents");
const cpu = cluster.cpuSeconds;
const before = cpu();
await cluster.startFleets();
rows.push({ what: "until all online", value: await cluster.untilOnline(), unit: "ms" });
rows.push({ what: "coordinator CPU until then", value: cpu() - before, unit: "s" });
if (wants("steady")) {
  say("steady state");
  const steady = await measureSteady(cluster, Number(values.window) * 1_000);
  rows.push(...steadyRows(`${String(hosts)} hosts`, idle, steady, {}));
}
for (const row of rows) console.log(renderRow(row));
process.exitCode = rows.some(isMissed) ? 1 : 0;
