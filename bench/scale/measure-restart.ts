/** The coordinator is killed in the middle of its work and started again. */
import { AdminService } from "@muster/proto/admin";
import type { MeasuredCluster } from "./measured-cluster.ts";
import { pause } from "./programs.ts";
import type { Row } from "./table.ts";

const WRITES = 20;

export async function measureRestart(cluster: MeasuredCluster): Promise<readonly Row[]> {
  const orderedBefore = await ordered(cluster);
  const acknowledged = await cordonSome(cluster);
  await cluster.stopCoordinator("SIGKILL");
  await pause(100);
  const beganMs = performance.now();
  const firstReadMs = await cluster.startCoordinator();
  const cpu = cluster.cpuSeconds;
  await cluster.untilOnline();
  const onlineMs = performance.now() - beganMs;
  const cpuSeconds = cpu();
  const lost = await lostWrites(cluster, acknowledged);
  return [
    { what: "kill -9: first read answered", value: firstReadMs / 1_000, unit: "s", bar: 1.5 },
    { what: "kill -9: all agents back and reported", value: onlineMs / 1_000, unit: "s", bar: 10 },
    { what: "kill -9: CPU of the coordinator until then", value: cpuSeconds, unit: "s" },
    { what: "kill -9: acknowledged writes lost", value: lost, unit: "", bar: 0 },
    {
      what: "kill -9: VMs touched",
      value: (await ordered(cluster)) - orderedBefore,
      unit: "",
      bar: 0,
    },
  ];
}

async function ordered(cluster: MeasuredCluster): Promise<number> {
  const statuses = await cluster.askAll({ kind: "status" });
  return statuses.reduce((sum, status) => sum + status.ordered, 0);
}

/** Cordons hosts until the last answer is there; the kill follows at once. */
async function cordonSome({ client }: MeasuredCluster): Promise<readonly string[]> {
  const names = Array.from(
    { length: WRITES },
    (_, index) => `host-${String(index + 1).padStart(4, "0")}`,
  );
  await Promise.all(
    names.map((host) =>
      client.unary(AdminService.setHostCordon, { host, cordoned: true, why: undefined }),
    ),
  );
  return names;
}

async function lostWrites(
  { client }: MeasuredCluster,
  cordoned: readonly string[],
): Promise<number> {
  let lost = 0;
  for (const name of cordoned) {
    const { host } = await client.unary(AdminService.getHost, { host: name });
    if (host?.cordoned !== true) lost += 1;
    await client.unary(AdminService.setHostCordon, { host: name, cordoned: false, why: undefined });
  }
  return lost;
}
