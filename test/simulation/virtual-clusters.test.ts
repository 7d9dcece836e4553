/** Virtual clusters: all of one or nothing of it, whatever happens, however many are booted at once. */
import { isEnded, type OperationRecord, type VirtualClusterRecord } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { encodeNetworkSpec } from "@muster/model/wire";
import { VirtualClusterChange } from "@muster/proto/admin";
import { seededRandom } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { allowClusters, bootRequest } from "./cluster-requests.ts";
import { checkAtRest } from "./invariants/at-rest.ts";
import { untilEnded } from "./operation-request.ts";
import { SimulatedCluster, type SimulatedClusterOptions } from "./simulated-cluster.ts";

const MINUTE_MS = 60_000;
const why = undefined;

type Boot = Parameters<typeof bootRequest>[0];

/** Hosts have heard that their results are recorded. */
async function brokenAtRest(cluster: SimulatedCluster): Promise<readonly string[]> {
  await cluster.clock.runFor(5_000);
  return checkAtRest(cluster);
}

const viewOf = (cluster: SimulatedCluster) => cluster.coordinator.ledger.view;

/** Hosts with a public network of ten or more addresses, and VLANs for virtual clusters. */
async function site(
  options: SimulatedClusterOptions,
  settings: Parameters<typeof allowClusters>[1] = {},
): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start(options);
  const campus = aNetwork({
    name: "campus",
    vlan: 10,
    subnets: [
      {
        ...{ cidr: "203.0.113.0/24", mode: "static", gateway: "203.0.113.1", dns: [] },
        ...{
          ranges: [{ first: "203.0.113.50", last: "203.0.113.79" }],
          exclusions: [],
          nat: false,
        },
      },
    ],
  });
  const { operation } = await cluster.api.networks.createNetwork(
    { spec: encodeNetworkSpec(campus), why },
    cluster.api.context,
  );
  await untilEnded(cluster, operation?.id ?? "");
  await allowClusters({ cluster, vmId: undefined }, { publicNetwork: "campus", ...settings });
  return cluster;
}

async function boot(cluster: SimulatedCluster, change: Boot): Promise<OperationRecord> {
  const { api } = cluster;
  const { operation } = await api.clusters.bootVirtualCluster(bootRequest(change), api.context);
  return untilEnded(cluster, operation?.id ?? "");
}

async function changeTo(
  cluster: SimulatedCluster,
  name: string,
  change: VirtualClusterChange,
): Promise<OperationRecord> {
  const { operation } = await cluster.api.clusters.changeVirtualCluster(
    { name, change, graceMs: 60_000, force: true, why },
    cluster.api.context,
  );
  return untilEnded(cluster, operation?.id ?? "");
}

const membersOf = (cluster: SimulatedCluster, name: string) => {
  const { virtualClusters, vms, hosts } = viewOf(cluster);
  return (virtualClusters.get(name)?.members ?? []).map(({ inside, vmId }) => {
    const vm = vms.get(vmId);
    const host = vm?.placement === undefined ? undefined : hosts.get(vm.placement.hostId);
    const addresses = vm?.spec.nics.flatMap((nic) => nic.addresses ?? []);
    return [inside, vm?.spec.name, host?.name, vm?.spec.cpus, addresses];
  });
};

describe("a virtual cluster", () => {
  it("has the names, addresses and NICs that pragma_boot gave", async () => {
    await using cluster = await site({ seed: 1, hosts: 3 });
    const { state } = await boot(cluster, { name: "", computes: 3 });
    expect(state).toBe("succeeded");
    expect(
      membersOf(cluster, "pc-50").map(([inside, name, , , addresses]) => [inside, name, addresses]),
    ).toStrictEqual([
      ["pc-50", "pc-50", ["10.1.1.1", "203.0.113.50"]],
      ["compute-0", "vm-pc-50-0", ["10.1.255.254"]],
      ["compute-1", "vm-pc-50-1", ["10.1.255.253"]],
      ["compute-2", "vm-pc-50-2", ["10.1.255.252"]],
    ]);
    const record = viewOf(cluster).virtualClusters.get("pc-50");
    expect(record).toMatchObject({ fullName: "pc-50.example.edu", booted: true, givenUp: [] });
    expect(await brokenAtRest(cluster)).toStrictEqual([]);
  });

  it("takes CPUs from the hosts with the most free ones, one compute to a host, and none that are reserved", async () => {
    await using cluster = await site(
      { seed: 2, hosts: 3, cpusPerHost: 8 },
      { cpusReserved: 2, publicNetwork: "" },
    );
    expect((await boot(cluster, { name: "one", cpusTotal: 10, computes: 0 })).state).toBe(
      "succeeded",
    );
    const cpus = membersOf(cluster, "one").map(([inside, , host, count]) => [inside, host, count]);
    const frontendHost = cpus[0]?.[1];
    expect(cpus.slice(1).map(([, , count]) => count)).toStrictEqual([6, 4]);
    expect(cpus.slice(1).map(([, host]) => host)).not.toContain(frontendHost);
    // Of 6 on each host 5 and 2 are left where the frontend and the second compute are, and the new frontend takes one.
    await expect(boot(cluster, { name: "two", cpusTotal: 8, computes: 0 })).rejects.toMatchObject({
      code: "no-placement",
      message: "there is not enough capacity for 8 CPUs: 6 are free for two",
    });
    expect(viewOf(cluster).virtualClusters.size).toBe(1);
    expect(await brokenAtRest(cluster)).toStrictEqual([]);
  });

  it("has the private subnet that others have, on a VLAN of its own", async () => {
    await using cluster = await site({ seed: 3, hosts: 2 });
    await boot(cluster, { name: "one", computes: 1 });
    await boot(cluster, { name: "two", computes: 1 });
    const networks = ["one-private", "two-private"].map((name) => {
      const spec = viewOf(cluster).networks.get(name)?.spec;
      return [spec?.segment, spec?.subnets[0]?.cidr];
    });
    expect(networks).toStrictEqual([
      [{ kind: "vlan", vlan: 100 }, "10.1.0.0/16"],
      [{ kind: "vlan", vlan: 101 }, "10.1.0.0/16"],
    ]);
  });

  it("does without computes of a bad host when that is tolerated, and is nothing when it is not", async () => {
    await using cluster = await site({ seed: 4, hosts: 3 });
    const operation = "define" as const;
    const breakHost = (): void => {
      cluster.world.inject("h3", { operation, times: 100, effect: { kind: "fail" } });
    };
    breakHost();
    const strict = await boot(cluster, { name: "strict", computes: 3 });
    expect(strict.state).toBe("failed");
    expect(strict.error?.message).toContain("1 member could not be booted");
    expect(viewOf(cluster).virtualClusters.size).toBe(0);
    expect(viewOf(cluster).vms.size).toBe(0);
    const lenient = await boot(cluster, { name: "lenient", computes: 3, tolerate: 1 });
    expect(lenient.state).toBe("succeeded");
    const record = viewOf(cluster).virtualClusters.get("lenient");
    expect(record?.members).toHaveLength(3);
    expect(record?.givenUp.map(({ inside }) => inside)).toHaveLength(1);
    expect(await brokenAtRest(cluster)).toStrictEqual([]);
  });

  it("grows and shrinks, is not cleaned while it runs, and leaves nothing", async () => {
    await using cluster = await site({ seed: 5, hosts: 3 });
    const { api } = cluster;
    await boot(cluster, { name: "pc", computes: 1 });
    const grown = await api.clusters.growVirtualCluster(
      { name: "pc", cpusTotal: 0, computes: 2, tolerate: 0, why },
      api.context,
    );
    await untilEnded(cluster, grown.operation?.id ?? "");
    const shrunk = await api.clusters.shrinkVirtualCluster(
      { name: "pc", computes: 0, members: ["compute-0"], graceMs: 30_000, force: true, why },
      api.context,
    );
    await untilEnded(cluster, shrunk.operation?.id ?? "");
    expect(membersOf(cluster, "pc").map(([inside]) => inside)).toStrictEqual([
      ...["pc", "compute-1", "compute-2"],
    ]);
    await cluster.clock.runFor(1_000);
    const clean = VirtualClusterChange.CLEAN;
    await expect(changeTo(cluster, "pc", clean)).rejects.toMatchObject({
      code: "wrong-state",
      reasons: [
        "node pc still active",
        "node compute-1 still active",
        "node compute-2 still active",
      ],
    });
    expect((await changeTo(cluster, "pc", VirtualClusterChange.SHUTDOWN)).state).toBe("succeeded");
    await cluster.clock.runFor(1_000);
    expect((await changeTo(cluster, "pc", clean)).state).toBe("succeeded");
    await cluster.clock.runFor(MINUTE_MS);
    expect([...viewOf(cluster).networks.keys()]).toStrictEqual(["campus"]);
    expect([viewOf(cluster).vms.size, viewOf(cluster).virtualClusters.size]).toStrictEqual([0, 0]);
    expect(cluster.world.volumes("h1", "shared")).toStrictEqual([]);
    expect(await brokenAtRest(cluster)).toStrictEqual([]);
  });

  it("ends with its lease, after a warning; who prolongs it keeps it", async () => {
    await using cluster = await site({ seed: 6, hosts: 2 });
    const { api } = cluster;
    await boot(cluster, { name: "short", leaseSeconds: 3_600, leaseWarnSeconds: 600 });
    await boot(cluster, { name: "long", leaseSeconds: 3_600, leaseWarnSeconds: 600 });
    const warned = (): readonly (string | undefined)[] =>
      [...viewOf(cluster).virtualClusters.values()].map(({ lease }) => lease?.warnedAt);
    await cluster.clock.runFor(49 * MINUTE_MS);
    expect(warned()).toStrictEqual([undefined, undefined]);
    await cluster.clock.runFor(2 * MINUTE_MS);
    expect(warned()).not.toContain(undefined);
    await api.clusters.setVirtualClusterLease(
      { name: "long", seconds: 7_200, warnSeconds: 0, why },
      api.context,
    );
    // The lease ends while the coordinator is away.
    cluster.killCoordinator();
    await cluster.clock.runFor(15 * MINUTE_MS);
    await cluster.startCoordinator();
    await cluster.clock.runFor(5 * MINUTE_MS);
    expect([...viewOf(cluster).virtualClusters.keys()]).toStrictEqual(["long"]);
    expect(membersOf(cluster, "long")).toHaveLength(3);
    expect(await brokenAtRest(cluster)).toStrictEqual([]);
  });
});

const CLUSTERS = 20;

/** What happens while they boot: each seed in another order and at other moments. */
async function trouble(cluster: SimulatedCluster, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const host = (): string =>
    cluster.hostNames[Math.floor(random.fraction() * cluster.hostNames.length)] ?? "h1";
  const calls = ["define", "start", "destroy", "undefine", "remove-volumes"] as const;
  for (let round = 0; round < 12; round += 1) {
    await cluster.clock.runFor(Math.floor(random.fraction() * 400));
    const kind = Math.floor(random.fraction() * 5);
    if (kind === 0) {
      cluster.killCoordinator();
      await cluster.clock.runFor(500);
      await cluster.startCoordinator();
    } else if (kind === 1) {
      const one = host();
      await cluster.killAgent(one);
      await cluster.clock.runFor(500);
      await cluster.startAgent(one);
    } else {
      const operation = calls[Math.floor(random.fraction() * calls.length)] ?? "define";
      const times = 1 + Math.floor(random.fraction() * 3);
      cluster.world.inject(host(), { operation, times, effect: { kind: "fail" } });
    }
  }
}

const isWhole = ({ members, booted }: VirtualClusterRecord): boolean =>
  booted && members.length === 4;

describe(`${String(CLUSTERS)} clusters booted at once, with trouble at every step`, () => {
  it.each([1, 2, 3, 4])("seed %i: each is whole or was never there", async (seed) => {
    await using cluster = await site({ seed, hosts: 4, cpusPerHost: 32 });
    const { api } = cluster;
    const asked = await Promise.all(
      Array.from({ length: CLUSTERS }, () =>
        api.clusters.bootVirtualCluster(bootRequest({ name: "", computes: 3 }), api.context),
      ),
    );
    expect(new Set(asked.map((answer) => answer.cluster?.publicAddress)).size).toBe(CLUSTERS);
    expect(new Set(asked.map((answer) => answer.cluster?.vlan)).size).toBe(CLUSTERS);
    await trouble(cluster, seed);
    for (const host of cluster.hostNames) cluster.world.clearFaults(host);
    const ended = [];
    for (const { operation } of asked) ended.push(await untilEnded(cluster, operation?.id ?? ""));
    await cluster.clock.runFor(5 * MINUTE_MS);
    expect(await brokenAtRest(cluster)).toStrictEqual([]);
    const { virtualClusters } = viewOf(cluster);
    expect(ended.every(({ state }) => isEnded(state))).toBe(true);
    const succeeded = ended.filter(({ state }) => state === "succeeded");
    expect([...virtualClusters.values()].filter(isWhole)).toHaveLength(succeeded.length);
    const left = [...virtualClusters.values()].filter((each) => !isWhole(each));
    // Something of it could not be undone while the trouble lasted: it says so and goes with `clean`.
    expect(left.every(({ booted }) => !booted)).toBe(true);
    for (const name of [...virtualClusters.keys()]) {
      if (virtualClusters.get(name)?.booted === true) {
        await changeTo(cluster, name, VirtualClusterChange.SHUTDOWN);
      }
      await cluster.clock.runFor(500);
      expect((await changeTo(cluster, name, VirtualClusterChange.CLEAN)).state).toBe("succeeded");
    }
    await cluster.clock.runFor(5 * MINUTE_MS);
    expect([...viewOf(cluster).networks.keys()]).toStrictEqual(["campus"]);
    expect([viewOf(cluster).vms.size, viewOf(cluster).virtualClusters.size]).toStrictEqual([0, 0]);
    expect(cluster.world.volumes("h1", "shared")).toStrictEqual([]);
    expect(await brokenAtRest(cluster)).toStrictEqual([]);
  });
});
