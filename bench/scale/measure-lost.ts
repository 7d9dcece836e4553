/** Hosts that fall silent without a word, their connections still open. */
import { AdminService } from "@muster/proto/admin";
import { hostName } from "./cluster-plan.ts";
import type { MeasuredCluster } from "./measured-cluster.ts";
import { pause } from "./programs.ts";
import type { Row } from "./table.ts";

const WAIT_MS = 60_000;

/** The last hosts are the victims: a fleet of their own, which is frozen. */
export async function measureLost(
  cluster: MeasuredCluster,
  heartbeatMs: number,
  victims: number,
): Promise<readonly Row[]> {
  const { client, size } = cluster;
  const fleet = cluster.fleets[1];
  if (fleet === undefined) throw new Error("there are no victims");
  const names = new Set(
    Array.from({ length: victims }, (_, index) => hostName(size.hosts - index)),
  );
  const stop = new AbortController();
  const goneAtMs = new Map<string, number>();
  let others = 0;
  const following = (async () => {
    const request = { follow: true, recent: 1 };
    for await (const { event } of client.watch(AdminService.watchEvents, request, {
      signal: stop.signal,
    })) {
      if (event?.kind !== "host-disconnected") continue;
      if (names.has(event.host)) goneAtMs.set(event.host, performance.now());
      else others += 1;
    }
  })();
  await pause(500);
  others = 0;
  goneAtMs.clear();
  const frozenMs = performance.now();
  fleet.freeze();
  while (goneAtMs.size < victims && performance.now() - frozenMs < WAIT_MS) await pause(50);
  fleet.thaw();
  stop.abort();
  await following;
  const slowestMs =
    goneAtMs.size < victims ? Number.POSITIVE_INFINITY : Math.max(...goneAtMs.values()) - frozenMs;
  return [
    {
      what: `silent hosts noticed: slowest of ${String(victims)}, in heartbeats`,
      value: slowestMs / heartbeatMs,
      unit: "",
      bar: 3,
    },
    { what: "silent hosts: others taken for dead", value: others, unit: "", bar: 0 },
  ];
}
