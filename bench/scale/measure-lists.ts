/** How long `muster vm ls -o json` takes, from the start of the process to its end, while people ask other things. */
import { AdminService } from "@muster/proto/admin";
import { hostName, vmName } from "./cluster-plan.ts";
import type { MeasuredCluster } from "./measured-cluster.ts";
import { pause, runCli } from "./programs.ts";
import type { Row } from "./table.ts";

const REQUESTS_PER_SECOND = 30;
const RUNS = 5;

/** What people's tools ask: mostly one VM, sometimes a host or what is going on. */
async function askOne(cluster: MeasuredCluster, number: number): Promise<void> {
  const { client, size } = cluster;
  const host = 1 + (number % size.hosts);
  if (number % 10 === 0) await client.unary(AdminService.getHost, { host: hostName(host) });
  else if (number % 10 === 5) {
    await client.unary(AdminService.listOperations, { active: false, subject: "", limit: 20 });
  } else await client.unary(AdminService.getVm, { vm: vmName(host, number % size.vmsPerHost) });
}

/** Asks until stopped; gives the milliseconds each answer took, sorted. */
function askAlong(cluster: MeasuredCluster): () => Promise<readonly number[]> {
  const tookMs: number[] = [];
  const pending = new Set<Promise<void>>();
  let asked = 0;
  const timer = setInterval(() => {
    asked += 1;
    const beganMs = performance.now();
    const answered = askOne(cluster, asked).then(() => {
      tookMs.push(performance.now() - beganMs);
      pending.delete(answered);
    });
    pending.add(answered);
  }, 1_000 / REQUESTS_PER_SECOND);
  return async () => {
    clearInterval(timer);
    await Promise.all(pending);
    return tookMs.toSorted((left, right) => left - right);
  };
}

export async function measureLists(cluster: MeasuredCluster): Promise<readonly Row[]> {
  const vms = cluster.size.hosts * cluster.size.vmsPerHost;
  const args = ["vm", "ls", "-o", "json"];
  const first = await runCli(cluster.coordinator.socketPath, args);
  const count = (JSON.parse(first.text) as readonly unknown[]).length;
  if (count < vms) throw new Error(`the list has ${String(count)} VMs of ${String(vms)}`);
  const stop = askAlong(cluster);
  await pause(500);
  const cpu = cluster.cpuSeconds;
  const before = cpu();
  const walls: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    walls.push((await runCli(cluster.coordinator.socketPath, args)).wallMs);
  }
  const coordinatorMs = ((cpu() - before) * 1_000) / RUNS;
  const answers = await stop();
  walls.sort((left, right) => left - right);
  const bar = vms <= 20_000 ? 0.3 : vms <= 50_000 ? 0.8 : undefined;
  const name = `vm ls -o json, ${String(vms)} VMs`;
  return [
    { what: `${name}: first`, value: first.wallMs / 1_000, unit: "s" },
    { what: `${name}: best of ${String(RUNS)}`, value: (walls[0] ?? 0) / 1_000, unit: "s" },
    {
      what: `${name}: median, ${String(REQUESTS_PER_SECOND)} requests/s beside`,
      value: (walls[Math.floor(RUNS / 2)] ?? 0) / 1_000,
      unit: "s",
      bar,
    },
    { what: `${name}: CPU of the coordinator each`, value: coordinatorMs, unit: "ms" },
    { what: `${name}: size`, value: first.bytes / 1e6, unit: "MB" },
    {
      what: "requests beside it: slowest",
      value: answers.at(-1) ?? 0,
      unit: "ms",
    },
  ];
}
