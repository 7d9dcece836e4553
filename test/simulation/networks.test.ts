/** Changes of networks that go from host to host, and hosts that cannot be cut off by them. */
import { isEnded, type NetworkSpec, type OperationRecord } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { encodeNetworkSpec, encodeUplinkSpec } from "@muster/model/wire";
import { describe, expect, it } from "vitest";
import { checkAtRest } from "./invariants/at-rest.ts";
import { createVmRequest } from "./requests.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

const MINUTE_MS = 60_000;

async function untilEnded(cluster: SimulatedCluster, id: string): Promise<OperationRecord> {
  const found = (): OperationRecord | undefined =>
    [...(cluster.lastView?.operations.values() ?? [])].find((operation) => operation.id === id);
  const isOver = (): boolean => {
    const operation = found();
    return operation !== undefined && isEnded(operation.state);
  };
  expect(await cluster.clock.runUntil(isOver, 10 * MINUTE_MS)).toBe(true);
  const operation = found();
  if (operation === undefined) throw new Error(`there is no operation ${id}`);
  return operation;
}

async function withBlue(seed: number, hosts = 3): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start({ seed, hosts });
  const { operation } = await cluster.api.networks.createNetwork(
    { spec: encodeNetworkSpec(aNetwork({ name: "blue", vlan: 10 })), why: undefined },
    cluster.api.context,
  );
  expect((await untilEnded(cluster, operation?.id ?? "")).state).toBe("succeeded");
  return cluster;
}

async function setNetwork(
  cluster: SimulatedCluster,
  spec: NetworkSpec,
  keepGoing = false,
): Promise<string> {
  const { operation } = await cluster.api.networks.setNetwork(
    { spec: encodeNetworkSpec(spec), keepGoing, overrideProtected: false, why: undefined },
    cluster.api.context,
  );
  return operation?.id ?? "";
}

const vlansOf = (cluster: SimulatedCluster): readonly (number | undefined)[] =>
  cluster.hostNames.map((host) => cluster.networksOf(host).networks.get("blue")?.vlan);

const moved = aNetwork({ name: "blue", vlan: 30 });

describe("a change of a network", () => {
  it("goes from host to host and stays", async () => {
    await using cluster = await withBlue(1);
    const { state, explanation } = await untilEnded(cluster, await setNetwork(cluster, moved));
    expect([state, explanation]).toStrictEqual(["succeeded", ["vlan: 10 -> 30"]]);
    expect(vlansOf(cluster)).toStrictEqual([30, 30, 30]);
    const record = cluster.coordinator.ledger.view.networks.get("blue");
    expect([record?.spec, record?.rollout, record?.operationId]).toStrictEqual([
      moved,
      undefined,
      undefined,
    ]);
  });

  it.each([0, 1, 2])("that cuts host %i off is undone there, and everywhere", async (position) => {
    await using cluster = await withBlue(2 + position);
    const host = cluster.hostNames[position] ?? "";
    cluster.networksOf(host).cutOffWith("blue", 30);
    const { state, error } = await untilEnded(cluster, await setNetwork(cluster, moved));
    expect(state).toBe("failed");
    expect(error?.reasons[0]).toBe(
      `${host}: rolled-back: the coordinator was not heard within 10 s`,
    );
    expect(error?.reasons).toContain(`${host} has: blue: ready, VLAN 10 on sim0`);
    expect(error?.reasons).toContain(`${host} tried: blue: ready, VLAN 30 on sim0`);
    await cluster.clock.runFor(MINUTE_MS);
    expect(vlansOf(cluster)).toStrictEqual([10, 10, 10]);
    expect(cluster.coordinator.ledger.view.networks.get("blue")?.spec).toStrictEqual(
      aNetwork({ name: "blue", vlan: 10 }),
    );
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });

  it("goes on without the host that had to undo it when told so, and that host tries again", async () => {
    await using cluster = await withBlue(6);
    cluster.networksOf("h2").cutOffWith("blue", 30);
    const { state } = await untilEnded(cluster, await setNetwork(cluster, moved, true));
    expect(state).toBe("failed");
    expect(vlansOf(cluster)).toStrictEqual([30, 10, 30]);
    cluster.networksOf("h2").healNetwork("blue");
    await cluster.clock.runFor(5 * MINUTE_MS);
    expect(vlansOf(cluster)).toStrictEqual([30, 30, 30]);
  });

  it.each(["the coordinator", "the agent"])(
    "in the middle of which %s is killed ends the same everywhere",
    async (who) => {
      await using cluster = await withBlue(who === "the agent" ? 7 : 8);
      cluster.networksOf("h1").cutOffWith("blue", 30);
      const id = await setNetwork(cluster, moved);
      const isCutOff = (): boolean => cluster.networksOf("h1").isCutOff;
      expect(await cluster.clock.runUntil(isCutOff, MINUTE_MS)).toBe(true);
      if (who === "the agent") {
        await cluster.killAgent("h1");
        await cluster.startAgent("h1");
      } else {
        cluster.killCoordinator();
        await cluster.clock.runFor(12_000);
        expect(isCutOff()).toBe(false);
        await cluster.startCoordinator();
      }
      await untilEnded(cluster, id);
      await cluster.clock.runFor(MINUTE_MS);
      expect(new Set(vlansOf(cluster)).size).toBe(1);
      const wanted = cluster.coordinator.ledger.view.networks.get("blue")?.spec.segment;
      expect(wanted).toStrictEqual({ kind: "vlan", vlan: vlansOf(cluster)[0] });
      expect(cluster.networksOf("h1").isCutOff).toBe(false);
    },
  );

  it("reaches a host that was away when it is back", async () => {
    await using cluster = await withBlue(9);
    cluster.cutOff("h3");
    await cluster.clock.runFor(MINUTE_MS);
    const { state } = await untilEnded(cluster, await setNetwork(cluster, moved));
    expect([state, vlansOf(cluster)]).toStrictEqual(["succeeded", [30, 30, 10]]);
    cluster.reconnect("h3");
    await cluster.clock.runFor(MINUTE_MS);
    expect(vlansOf(cluster)).toStrictEqual([30, 30, 30]);
  });
});

describe("an uplink", () => {
  it("is defined from host to host, and shows what would be left without it", async () => {
    await using cluster = await withBlue(10);
    const spec = {
      label: "lan",
      hosts: { kind: "all" },
      members: [{ by: "name", name: "eth1" }],
      mtu: 1500,
    } as const;
    const { operation } = await cluster.api.networks.setUplink(
      { spec: encodeUplinkSpec(spec), keepGoing: false, overrideProtected: false, why: undefined },
      cluster.api.context,
    );
    expect((await untilEnded(cluster, operation?.id ?? "")).state).toBe("succeeded");
    const set = await setNetwork(cluster, { ...moved, uplink: "lan" });
    expect((await untilEnded(cluster, set)).state).toBe("succeeded");
    const remove = cluster.api.networks.removeUplink(
      { label: "lan", hosts: [], hostPool: "", hostLabels: "", why: undefined },
      cluster.api.context,
    );
    await expect(remove).rejects.toMatchObject({
      code: "wrong-state",
      message: "uplink lan carries 1 networks",
      reasons: ["h1", "h2", "h3"].map((host) => `network blue rides on it on host ${host}`),
    });
  });
});

describe("200 creates at once", () => {
  it("never share an address or a MAC", async () => {
    await using cluster = await SimulatedCluster.start({
      seed: 11,
      hosts: 4,
      cpusPerHost: 64,
      memoryBytesPerHost: 512n * 1024n ** 3n,
    });
    const subnet = { cidr: "10.1.0.0/24", mode: "static", dns: [], nat: false } as const;
    const spec = aNetwork({ name: "blue", subnets: [{ ...subnet, ranges: [], exclusions: [] }] });
    const created = await cluster.api.networks.createNetwork(
      { spec: encodeNetworkSpec(spec), why: undefined },
      cluster.api.context,
    );
    await untilEnded(cluster, created.operation?.id ?? "");
    const asked = Array.from({ length: 200 }, (_, number) =>
      cluster.api.vms.createVm(
        createVmRequest({ name: `vm-${String(number)}`, networks: ["blue"], stopped: true }),
        cluster.api.context,
      ),
    );
    const answers = Promise.all(asked);
    await cluster.clock.runFor(2 * MINUTE_MS);
    await answers;
    const nics = [...cluster.coordinator.ledger.view.vms.values()].flatMap((vm) => vm.spec.nics);
    expect(nics).toHaveLength(200);
    expect(new Set(nics.flatMap((nic) => nic.addresses ?? [])).size).toBe(200);
    expect(new Set(nics.map(({ mac }) => mac)).size).toBe(200);
  });
});
