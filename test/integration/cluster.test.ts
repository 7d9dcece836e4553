/** The main job over real connections: enrol, create, move, look inside, and survive restarts. */
import { aNetwork } from "@muster/model/testing";
import { encodeNetworkSpec, encodeNic } from "@muster/model/wire";
import { AdminService, OperationState, VmChange, VmDisplayState } from "@muster/proto/admin";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aVmSpec, RealCluster, until } from "./real-cluster.ts";

const TEST_MS = 30_000;

describe("a cluster of two hosts", { timeout: TEST_MS }, () => {
  let cluster: RealCluster;
  beforeAll(async () => {
    cluster = await RealCluster.start({ hosts: 2 });
  }, TEST_MS);
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  const vmNamed = async (vm: string) => (await cluster.client.unary(AdminService.getVm, { vm })).vm;

  const migrate = async (vm: string, host: string) => {
    const { operation } = await cluster.client.unary(AdminService.migrateVm, {
      vm,
      host,
      bandwidthMibPerSecond: 0,
      noAutoConverge: false,
      copyStorage: false,
      downtimeLimitMs: 0,
      why: undefined,
    });
    return cluster.untilEnded(operation?.id ?? "");
  };

  it("creates a network and a VM on it, and moves the VM live", async () => {
    const { operation } = await cluster.client.unary(AdminService.createNetwork, {
      spec: encodeNetworkSpec(aNetwork({ name: "blue" })),
      why: undefined,
    });
    const reached = await cluster.untilEnded(operation?.id ?? "");
    expect(reached.state).toBe(OperationState.SUCCEEDED);
    const nics = [encodeNic({ network: "blue" })];
    const created = await cluster.createVm(aVmSpec("web", { nics }), "h1");
    expect(created.error).toBeUndefined();
    const before = await vmNamed("web");
    expect([before?.state, before?.host]).toStrictEqual([VmDisplayState.RUNNING, "h1"]);
    const moved = await migrate("web", "h2");
    expect(moved.error).toBeUndefined();
    expect(moved.steps.map(({ name }) => name)).toStrictEqual([
      "prepare",
      "move",
      "settle",
      "clean",
    ]);
    const after = await vmNamed("web");
    expect([after?.state, after?.host]).toStrictEqual([VmDisplayState.RUNNING, "h2"]);
    expect(cluster.world.violations).toStrictEqual([]);
  });

  it("tells Prometheus on which host a network cannot be used", async () => {
    const { metricsAddress } = await cluster.client.unary(AdminService.getCluster, {});
    const scrape = async () => (await fetch(new URL("/metrics", metricsAddress))).text();
    expect(await scrape()).not.toContain("muster_network_unusable{");
    cluster.networksOf("h2").failNetwork("red", "no such VLAN on the switch");
    await cluster.client.unary(AdminService.createNetwork, {
      spec: encodeNetworkSpec(aNetwork({ name: "red", segment: { kind: "vlan", vlan: 66 } })),
      why: undefined,
    });
    const unusableOn = (host: string) => `muster_network_unusable{network="red",host="${host}"} 1`;
    // On its way to h1 it is not usable there either, for a moment.
    await until("the metric to name h2 alone", async () => {
      const text = await scrape();
      return text.includes(unusableOn("h2")) && !text.includes(unusableOn("h1"));
    });
    expect(await scrape()).toContain("muster_mac_clashes 0");
  });

  it("shows what somebody did behind its back", async () => {
    await cluster.createVm(aVmSpec("watched"), "h1");
    const vm = await vmNamed("watched");
    cluster.world.virsh("h1", vm?.id as never, "suspend");
    await until("the pause to show", async () => {
      return (await vmNamed("watched"))?.state === VmDisplayState.PAUSED;
    });
  });

  it("carries a console both ways, and frees it when the person is gone", async () => {
    await cluster.createVm(aVmSpec("talker"), "h1");
    const open = async (force: boolean) => {
      const hangUp = new AbortController();
      const link = cluster.client.open(AdminService.openConsole, { signal: hangUp.signal });
      link.send({ vm: "talker", force, data: Buffer.alloc(0) });
      let text = "";
      const reading = (async () => {
        for await (const { data } of link.incoming) text += data.toString("utf8");
      })().catch((error: unknown) => error);
      return { link, hangUp, reading, read: () => text };
    };
    const first = await open(false);
    await until("the guest to say something", () => first.read().length > 0);
    first.link.send({ vm: "", force: false, data: Buffer.from("echo hello\n") });
    await until("the guest to hear it", () => first.read().includes("hello"));
    // The person's terminal dies without a word.
    first.hangUp.abort(new Error("the terminal was closed"));
    await first.reading;
    const second = await open(false);
    await until("the console to be free again", () => second.read().length > 0);
    second.link.close();
    await second.reading;
  });

  it("says why a console cannot be opened", async () => {
    const link = cluster.client.open(AdminService.openConsole);
    link.send({ vm: "nobody", force: false, data: Buffer.alloc(0) });
    const read = async (): Promise<void> => {
      for await (const _chunk of link.incoming);
    };
    await expect(read()).rejects.toMatchObject({
      code: "not-found",
      message: 'there is no VM "nobody"',
    });
  });

  it("takes a request twice as once when it carries the same id", async () => {
    const why = { reason: "testing", dryRun: false, requestId: "the-same" };
    const request = {
      spec: aVmSpec("once"),
      stopped: false,
      host: "",
      why,
      rules: undefined,
      claim: "",
    };
    const [one, other] = await Promise.all([
      cluster.client.unary(AdminService.createVm, request),
      cluster.client.unary(AdminService.createVm, request),
    ]);
    expect(other.operation?.id).toBe(one.operation?.id);
    await cluster.untilEnded(one.operation?.id ?? "");
  });

  it("watches an operation to its end", async () => {
    const change = { vm: "once", change: VmChange.PAUSE, graceMs: 0, keepVolumes: false };
    const { operation } = await cluster.client.unary(AdminService.changeVm, {
      ...change,
      why: undefined,
    });
    const states: OperationState[] = [];
    const request = { id: operation?.id ?? "" };
    for await (const update of cluster.client.watch(AdminService.watchOperation, request)) {
      states.push(update.operation?.state ?? OperationState.UNSPECIFIED);
    }
    expect(states.at(-1)).toBe(OperationState.SUCCEEDED);
  });
});

describe("restarts", { timeout: TEST_MS }, () => {
  it("of the coordinator lose nothing, and everybody comes back", async () => {
    await using cluster = await RealCluster.start({ hosts: 2 });
    await cluster.createVm(aVmSpec("web"), "h1");
    const { id } = cluster.daemon.coordinator.ledger.view.cluster;
    await cluster.stopCoordinator();
    expect(cluster.world.domains("h1").map(({ state }) => state)).toStrictEqual(["running"]);
    await cluster.startCoordinator();
    await cluster.untilOnline();
    expect(cluster.daemon.coordinator.ledger.view.cluster.id).toBe(id);
    const { vm } = await cluster.client.unary(AdminService.getVm, { vm: "web" });
    expect([vm?.state, vm?.host]).toStrictEqual([VmDisplayState.RUNNING, "h1"]);
  });

  it("of the coordinator in the middle of a create: the operation goes on", async () => {
    await using cluster = await RealCluster.start({ hosts: 1 });
    cluster.world.inject("h1", {
      operation: "define",
      times: 1,
      effect: { kind: "slow", extraMs: 2_000 },
    });
    const { operation } = await cluster.client.unary(AdminService.createVm, {
      spec: aVmSpec("web"),
      stopped: false,
      rules: undefined,
      claim: "",
      host: "",
      why: undefined,
    });
    await until("the agent to begin", () => cluster.host("h1").agent.counters.commandsRunning > 0);
    await cluster.stopCoordinator();
    await cluster.startCoordinator();
    const ended = await cluster.untilEnded(operation?.id ?? "");
    expect([ended.state, ended.error]).toStrictEqual([OperationState.SUCCEEDED, undefined]);
    await until(
      "the journal to be empty",
      () => cluster.host("h1").agent.counters.journalEntries === 0,
    );
  });

  it("of an agent: what it had finished while nobody listened is told when somebody does", async () => {
    await using cluster = await RealCluster.start({ hosts: 1 });
    cluster.world.inject("h1", {
      operation: "define",
      times: 1,
      effect: { kind: "slow", extraMs: 2_500 },
    });
    const { operation } = await cluster.client.unary(AdminService.createVm, {
      spec: aVmSpec("web"),
      stopped: true,
      rules: undefined,
      claim: "",
      host: "",
      why: undefined,
    });
    const running = (): boolean => cluster.host("h1").agent.counters.commandsRunning > 0;
    await until("the agent to begin", running);
    await cluster.stopCoordinator();
    await until("the agent to finish", () => !running());
    expect(cluster.host("h1").agent.counters.journalEntries).toBe(1);
    await cluster.host("h1").stop();
    await cluster.startCoordinator();
    await cluster.startHost("h1");
    const ended = await cluster.untilEnded(operation?.id ?? "");
    expect(ended.state).toBe(OperationState.SUCCEEDED);
    await until(
      "the journal to be empty",
      () => cluster.host("h1").agent.counters.journalEntries === 0,
    );
  });
});

describe("a coordinator that stops", { timeout: TEST_MS }, () => {
  it("ends the calls that are open", async () => {
    await using cluster = await RealCluster.start({ hosts: 0 });
    const following = cluster.client.watch(AdminService.watchEvents, { follow: true, recent: 0 });
    const ended = (async () => {
      for await (const _event of following);
    })().then(
      () => "ended",
      () => "broken",
    );
    const stopped = cluster.stopCoordinator();
    await Promise.all([ended, stopped]);
    expect(["ended", "broken"]).toContain(await ended);
  });
});
