/** From libvirt's event on a host to what people see: the API's answer, and a follower of events. */
import { AdminService, VmDisplayState } from "@muster/proto/admin";
import { vmName } from "./cluster-plan.ts";
import type { MeasuredCluster } from "./measured-cluster.ts";
import { pause } from "./programs.ts";
import { share, type Row } from "./table.ts";

const EVENTS = 300;
const BETWEEN_MS = 15;

export async function measureLatency(cluster: MeasuredCluster): Promise<readonly Row[]> {
  const { client, size } = cluster;
  const [fleet] = cluster.fleets;
  if (fleet === undefined) throw new Error("no fleet runs");
  const told = new Map<string, bigint>();
  const stop = new AbortController();
  const following = (async () => {
    const request = { follow: true, recent: 1 };
    for await (const { event } of client.watch(AdminService.watchEvents, request, {
      signal: stop.signal,
    })) {
      if (event !== undefined) told.set(event.subject, process.hrtime.bigint());
    }
  })();
  await pause(300);
  const toApiMs: number[] = [];
  const toFollowerMs: number[] = [];
  for (let number = 1; number <= EVENTS; number += 1) {
    const host = 1 + ((number * 37) % Math.max(1, size.hosts - 20));
    const index = number % size.vmsPerHost;
    const name = vmName(host, index);
    const subject = `vm/${name}`;
    const isPaused = await isVmPaused(cluster, name);
    told.delete(subject);
    const changing = fleet.ask({
      kind: "change",
      host,
      index,
      action: isPaused ? "resume" : "pause",
    });
    while ((await isVmPaused(cluster, name)) === isPaused);
    const seenNs = process.hrtime.bigint();
    const { atNs } = await changing;
    toApiMs.push(Number(seenNs - BigInt(atNs)) / 1e6);
    await pause(BETWEEN_MS);
    const toldNs = told.get(subject);
    if (toldNs !== undefined) toFollowerMs.push(Number(toldNs - BigInt(atNs)) / 1e6);
  }
  stop.abort();
  await following;
  toApiMs.sort((left, right) => left - right);
  toFollowerMs.sort((left, right) => left - right);
  return [
    { what: "event to API: p50", value: share(toApiMs, 0.5), unit: "ms", bar: 3 },
    { what: "event to API: p99", value: share(toApiMs, 0.99), unit: "ms", bar: 25 },
    { what: "event to follower: p50", value: share(toFollowerMs, 0.5), unit: "ms" },
    { what: "event to follower: p99", value: share(toFollowerMs, 0.99), unit: "ms", bar: 50 },
    {
      what: "events missed by the follower",
      value: EVENTS - toFollowerMs.length,
      unit: "",
      bar: 0,
    },
  ];
}

async function isVmPaused({ client }: MeasuredCluster, vm: string): Promise<boolean> {
  const answer = await client.unary(AdminService.getVm, { vm });
  return answer.vm?.state === VmDisplayState.PAUSED;
}
