/** What one agent's session costs on its TCP socket, TLS included: a cluster of one host, with nothing but that. */
import { MeasuredCluster } from "./measured-cluster.ts";
import { pause } from "./programs.ts";
import type { Row } from "./table.ts";

const HEARTBEAT_MS = 500;
const BEATS = 30;
/** The agent samples its VMs every 30 s. */
const SAMPLED_MS = 31_000;

export async function measureWire(): Promise<readonly Row[]> {
  await using cluster = await MeasuredCluster.seed({
    size: { hosts: 1, vmsPerHost: 50 },
    heartbeatMs: HEARTBEAT_MS,
  });
  await cluster.startCoordinator();
  await cluster.startFleets();
  await cluster.untilOnline();
  const [fleet] = cluster.fleets;
  if (fleet === undefined) throw new Error("no fleet runs");
  const first = await fleet.ask({ kind: "status" });
  await pause(1_000);
  await fleet.ask({ kind: "mark" });
  await pause(BEATS * HEARTBEAT_MS);
  const beats = await fleet.ask({ kind: "status" });
  const [up, down] = [beats.bytesSent / BEATS, beats.bytesReceived / BEATS];
  await pause(SAMPLED_MS);
  const reports: number[] = [];
  for (let run = 0; run < 3; run += 1) {
    await fleet.ask({ kind: "mark" });
    await fleet.ask({ kind: "report", host: 1 });
    await pause(4 * HEARTBEAT_MS);
    reports.push((await fleet.ask({ kind: "status" })).bytesSent - 4 * up);
    await pause(SAMPLED_MS);
  }
  return [
    { what: "wire: heartbeat, to the coordinator", value: up, unit: "B", bar: 100 },
    { what: "wire: its answer", value: down, unit: "B", bar: 100 },
    {
      what: "wire: handshake, hello and first report of 50 VMs",
      value: first.bytesSent,
      unit: "B",
    },
    {
      what: "wire: full report of 50 VMs, largest of 3",
      value: Math.max(...reports),
      unit: "B",
      bar: 1_500,
    },
  ];
}
