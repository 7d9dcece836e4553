/** Groups: members follow the profile, one after the other, whatever happens meanwhile. */
import type { OperationRecord } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { encodeNetworkSpec, encodeNic } from "@muster/model/wire";
import { VmChange, type SetGroupRequest } from "@muster/proto/admin";
import { describe, expect, it } from "vitest";
import { groupRequest } from "./cluster-requests.ts";
import { checkAtRest } from "./invariants/at-rest.ts";
import { untilEnded } from "./operation-request.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

const why = undefined;
const viewOf = (cluster: SimulatedCluster) => cluster.coordinator.ledger.view;

async function site(seed: number): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start({ seed, hosts: 3 });
  const blue = aNetwork({
    name: "blue",
    vlan: 10,
    subnets: [
      {
        ...{ cidr: "10.0.0.0/24", mode: "static", dns: [] },
        ...{ ranges: [{ first: "10.0.0.10", last: "10.0.0.19" }], exclusions: [], nat: false },
      },
    ],
  });
  const { operation } = await cluster.api.networks.createNetwork(
    { spec: encodeNetworkSpec(blue), why },
    cluster.api.context,
  );
  await untilEnded(cluster, operation?.id ?? "");
  return cluster;
}

const profile = (cpus: number): NonNullable<SetGroupRequest["profile"]> => ({
  ...(groupRequest().profile as NonNullable<SetGroupRequest["profile"]>),
  cpus,
  nics: [encodeNic({ network: "blue" })],
});

const begin = async (cluster: SimulatedCluster, change: Partial<SetGroupRequest>) =>
  cluster.api.groups.setGroup(groupRequest(change), cluster.api.context);

async function set(
  cluster: SimulatedCluster,
  change: Partial<SetGroupRequest>,
): Promise<OperationRecord> {
  const { operation } = await begin(cluster, change);
  return untilEnded(cluster, operation?.id ?? "");
}

const membersOf = (cluster: SimulatedCluster) =>
  [...viewOf(cluster).vms.values()]
    .map(({ spec }) => ({ name: spec.name, cpus: spec.cpus, nic: spec.nics[0] }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));

const summary = (cluster: SimulatedCluster): readonly string[] =>
  membersOf(cluster).map(
    ({ name, cpus, nic }) => `${name} ${String(cpus)} ${nic?.addresses?.join() ?? ""}`,
  );

async function atRest(cluster: SimulatedCluster): Promise<readonly string[]> {
  await cluster.clock.runFor(5_000);
  return checkAtRest(cluster);
}

describe("a group", () => {
  it("has members by its pattern, with addresses of their own, or with those that are listed", async () => {
    await using cluster = await site(1);
    const values = [
      { name: "", mac: "", addresses: [] },
      { name: "special", mac: "52:54:00:00:00:07", addresses: ["10.0.0.17"] },
    ];
    await set(cluster, { profile: profile(1), size: 3, pattern: "web-{n}", values });
    expect(summary(cluster)).toStrictEqual([
      ...["special 1 10.0.0.17", "web-1 1 10.0.0.10", "web-3 1 10.0.0.11"],
    ]);
    expect(membersOf(cluster)[0]?.nic?.mac).toBe("52:54:00:00:00:07");
    expect(await atRest(cluster)).toStrictEqual([]);
  });

  it("makes members anew one after the other when its profile changes, with the addresses and MACs they had", async () => {
    await using cluster = await site(2);
    await set(cluster, { profile: profile(1), size: 3 });
    const before = membersOf(cluster).map(({ nic }) => nic);
    await expect(
      begin(cluster, { create: false, profile: profile(2), size: 3 }),
    ).rejects.toMatchObject({
      code: "wrong-state",
      message: "3 members of group farm would be made anew, with empty disks",
    });
    const { operation, plan } = await begin(cluster, {
      ...{ create: false, profile: profile(2), size: 3, rebuild: true },
    });
    expect(plan).toStrictEqual(
      [1, 2, 3].map(
        (n) => `make farm-${String(n)} anew: its disks begin empty, its addresses stay`,
      ),
    );
    let fewest = 3;
    const isOver = (): boolean => {
      fewest = Math.min(fewest, viewOf(cluster).vms.size);
      return viewOf(cluster).groups.get("farm")?.operationId === undefined;
    };
    expect(await cluster.clock.runUntil(isOver, 20 * 60_000)).toBe(true);
    expect((await untilEnded(cluster, operation?.id ?? "")).state).toBe("succeeded");
    // One is away at a time.
    expect(fewest).toBe(2);
    expect(membersOf(cluster).map(({ cpus }) => cpus)).toStrictEqual([2, 2, 2]);
    expect(membersOf(cluster).map(({ nic }) => nic)).toStrictEqual(before);
    expect(viewOf(cluster).addresses.size).toBe(0);
    expect(await atRest(cluster)).toStrictEqual([]);
  });

  it("goes on where it was when the coordinator is killed again and again", async () => {
    await using cluster = await site(3);
    await set(cluster, { profile: profile(1), size: 4 });
    const changed = { create: false, profile: profile(2), size: 5, rebuild: true };
    const { operation } = await begin(cluster, changed);
    for (let kill = 0; kill < 8; kill += 1) {
      await cluster.clock.runFor(700 + 300 * kill);
      cluster.killCoordinator();
      await cluster.clock.runFor(500);
      await cluster.startCoordinator();
    }
    const { state, error } = await untilEnded(cluster, operation?.id ?? "");
    expect([state, error]).toStrictEqual(["succeeded", undefined]);
    expect(membersOf(cluster).map(({ cpus }) => cpus)).toStrictEqual([2, 2, 2, 2, 2]);
    expect(await atRest(cluster)).toStrictEqual([]);
  });

  it("grows and shrinks from the end, refuses that members are taken away, and goes without a trace", async () => {
    await using cluster = await site(4);
    const { api } = cluster;
    await set(cluster, { profile: profile(1), size: 1 });
    await set(cluster, { create: false, profile: undefined, size: 3 });
    expect(membersOf(cluster).map(({ name }) => name)).toStrictEqual([
      "farm-1",
      "farm-2",
      "farm-3",
    ]);
    await set(cluster, { create: false, profile: undefined, size: 2 });
    expect(membersOf(cluster).map(({ name }) => name)).toStrictEqual(["farm-1", "farm-2"]);
    const remove = {
      vm: "farm-1",
      change: VmChange.FORCE_DELETE,
      graceMs: 0,
      keepVolumes: false,
      why,
    };
    await expect(api.vms.changeVm(remove, api.context)).rejects.toMatchObject({
      message: "VM farm-1 is of group farm",
    });
    const gone = await api.groups.deleteGroup(
      { name: "farm", graceMs: 30_000, force: true, why },
      api.context,
    );
    expect((await untilEnded(cluster, gone.operation?.id ?? "")).state).toBe("succeeded");
    expect([viewOf(cluster).vms.size, viewOf(cluster).groups.size]).toStrictEqual([0, 0]);
    expect(cluster.world.volumes("h1", "shared")).toStrictEqual([]);
    expect(await atRest(cluster)).toStrictEqual([]);
  });

  it("says which member does not follow and why, and goes on when that is mended", async () => {
    await using cluster = await site(5);
    for (const host of cluster.hostNames) {
      cluster.world.inject(host, { operation: "start", times: 100, effect: { kind: "fail" } });
    }
    const failed = await set(cluster, { profile: profile(1), size: 1 });
    expect(failed.state).toBe("failed");
    expect(failed.error?.message).toMatch(/^create farm-1: op-\d+ failed: /);
    for (const host of cluster.hostNames) cluster.world.clearFaults(host);
    expect((await set(cluster, { create: false, profile: undefined, size: 1 })).state).toBe(
      "succeeded",
    );
    expect(membersOf(cluster)).toHaveLength(1);
    expect(await atRest(cluster)).toStrictEqual([]);
  });
});
