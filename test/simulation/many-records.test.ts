/** What concerns more records than one transaction of the store may change. */
import type { HostRecord, VmRecord } from "@muster/model";
import { parseHostId, parseVmId } from "@muster/model";
import { put } from "@muster/coordinator";
import { HaMode } from "@muster/proto/admin";
import { describe, expect, it } from "vitest";
import { enrolledHost } from "./enrolment.ts";
import { create, onFailure, setMode, start, vmOf } from "./host-failure-scene.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

const COUNT = 250;
const watchdog = { timeoutMs: 10_000, leaseMs: 15_000 };

async function add(
  cluster: SimulatedCluster,
  changeOf: (number: number) => ReturnType<typeof put>,
): Promise<void> {
  for (let number = 1; number <= COUNT; number += 1) {
    const change = changeOf(number);
    await cluster.coordinator.ledger.transact(() => ({ changes: [change], result: undefined }));
  }
}

const addHosts = (cluster: SimulatedCluster) =>
  add(cluster, (number) => {
    const id = parseHostId(cluster.random.uuid());
    const host: HostRecord = enrolledHost(id, `away-${String(number)}`, cluster.clock.wall());
    return put("host", { ...host, watchdog });
  });

async function addVms(cluster: SimulatedCluster): Promise<void> {
  await create(cluster, "web", { policy: onFailure });
  const like = vmOf(cluster, "web");
  await add(cluster, (number) => {
    const spec = { ...like.spec, name: `vm-${String(number)}`, nics: [] };
    const vm: VmRecord = { ...like, id: parseVmId(cluster.random.uuid()), spec };
    return put("vm", vm);
  });
}

describe("more records than a transaction may change", () => {
  it("are no obstacle to disarming, nor to arming again", async () => {
    await using cluster = await start();
    await addHosts(cluster);
    await setMode(cluster, HaMode.IGNORE);
    const { view } = cluster.coordinator.ledger;
    expect([...view.hosts.values()].filter((host) => host.watchdog !== undefined)).toHaveLength(0);
    await addVms(cluster);
    const { notes } = await setMode(cluster, HaMode.ARMED);
    expect(notes.length).toBeGreaterThan(0);
    const running = [...view.vms.values()].filter(({ wanted }) => wanted === "running");
    expect(running.map(({ spec }) => spec.name)).toStrictEqual(["web"]);
  });

  it("are no obstacle to the removal of a host whose VMs are forgotten", async () => {
    await using cluster = await start();
    await addVms(cluster);
    const { forgottenVms } = await cluster.api.hosts.removeHost(
      { host: "h1", forgetVms: true, why: undefined },
      cluster.api.context,
    );
    expect(forgottenVms).toHaveLength(COUNT + 1);
    expect(cluster.coordinator.ledger.view.vms.size).toBe(0);
  });
});
