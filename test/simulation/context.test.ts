/** First boots of guests that were told about themselves, with everything dying around them. */
import { parseVmId, type VmId } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { encodeNetworkSpec } from "@muster/model/wire";
import { VmChange } from "@muster/proto/admin";
import { describe, expect, it } from "vitest";
import { checkAtRest } from "./invariants/at-rest.ts";
import { aContextText, createVm } from "./operation-requests.ts";
import { askAndWait, untilEnded, WAIT_MS, why } from "./operation-request.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

type Cluster = SimulatedCluster;

const contextOf = (cluster: Cluster) =>
  cluster.api.contexts.getVmContext({ vm: "told" }, cluster.api.context);

const isState = (state: string) => (cluster: Cluster) => async (): Promise<boolean> =>
  (await contextOf(cluster)).state === state;

/** Time passes until its guest is so far. */
async function untilState(cluster: Cluster, state: string): Promise<void> {
  const reached = isState(state)(cluster);
  for (let waitedMs = 0; waitedMs < WAIT_MS; waitedMs += 1_000) {
    if (await reached()) return;
    await cluster.clock.runFor(1_000);
  }
  throw new Error(`not ${state}: ${JSON.stringify(await contextOf(cluster))}`);
}

async function withNetwork(cluster: Cluster): Promise<void> {
  const { operation } = await cluster.api.networks.createNetwork(
    { spec: encodeNetworkSpec(aNetwork({ name: "blue" })), why },
    cluster.api.context,
  );
  await untilEnded(cluster, operation?.id ?? "");
}

async function created(cluster: Cluster, text = aContextText): Promise<VmId> {
  await withNetwork(cluster);
  await askAndWait({ cluster, vmId: undefined }, createVm("told", text));
  return parseVmId(cluster.coordinator.ledger.view.vmByName("told")?.id ?? "");
}

/** Everything in the store, as a thief of the disk would read it. */
async function storedText(cluster: Cluster): Promise<string> {
  const { records } = await cluster.database.snapshot();
  return records.map(({ key, value }) => `${key} ${value}`).join("\n");
}

const keeping = JSON.stringify({ hostname: "told", values: { TOKEN: "canary-in-a-value" } });

describe("a first boot", () => {
  it("goes through both stages, and the seed is removed and forgotten", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 1, hosts: 2 });
    const vmId = await created(cluster);
    expect(cluster.world.volumes("h1", "shared")).toContain(`${vmId}-seed.iso`);
    await untilState(cluster, "configured");
    const { stages } = await contextOf(cluster);
    expect(stages.map(({ stage, state }) => `${stage} ${state}`)).toStrictEqual([
      "individual running",
      "individual done",
      "central running",
      "central done",
    ]);
    await cluster.clock.runFor(60_000);
    expect(await contextOf(cluster)).toMatchObject({ seedPresent: false, redacted: "" });
    expect(cluster.world.volumes("h1", "shared")).not.toContain(`${vmId}-seed.iso`);
    expect(cluster.coordinator.ledger.view.contexts.get(vmId)?.sealedSecret).toBeUndefined();
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });

  it.each(["coordinator", "agent", "both"])("is not missed when the %s dies", async (who) => {
    await using cluster = await SimulatedCluster.start({ seed: 2, hosts: 2 });
    await created(cluster, keeping);
    for (let round = 0; round < 4; round += 1) {
      if (who !== "agent") cluster.killCoordinator();
      if (who !== "coordinator") await cluster.killAgent("h1");
      await cluster.clock.runFor(1_700);
      await cluster.startCoordinator();
      await cluster.startAgent("h1");
      await cluster.clock.runFor(2_300);
    }
    await untilState(cluster, "configured");
    expect((await contextOf(cluster)).stages).toHaveLength(4);
    await cluster.clock.runFor(60_000);
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });

  it("goes on on another host", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 3, hosts: 2 });
    const vmId = await created(cluster, keeping);
    await untilState(cluster, "configuring");
    const { operation } = await cluster.api.vms.migrateVm(
      {
        ...{ vm: vmId, host: "h2", bandwidthMibPerSecond: 0, noAutoConverge: false },
        ...{ copyStorage: false, downtimeLimitMs: 0, why },
      },
      cluster.api.context,
    );
    const ended = await untilEnded(cluster, operation?.id ?? "");
    expect(ended.state).toBe("succeeded");
    await untilState(cluster, "configured");
    expect((await contextOf(cluster)).stages).toHaveLength(4);
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });

  it("that fails names the stage, with the end of its log and no secret in it", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 4, hosts: 1 });
    await withNetwork(cluster);
    const log = Buffer.from("token is canary-in-a-value\nE: no such package\n").toString("base64");
    await askAndWait({ cluster, vmId: undefined }, createVm("told", keeping, true));
    const vmId = parseVmId(cluster.coordinator.ledger.view.vmByName("told")?.id ?? "");
    cluster.world.setFirstBoot(vmId, [
      { atMs: 1_000, text: "MUSTER1 1 individual running 0 -" },
      { atMs: 3_000, text: `MUSTER1 2 individual failed 100 ${log}` },
      { atMs: 3_000, text: "MUSTER1 3 central skipped 0 -" },
    ]);
    expect((await contextOf(cluster)).deadline).toBe("");
    const started = await cluster.api.vms.changeVm(
      { vm: vmId, change: VmChange.START, graceMs: 0, keepVolumes: false, why },
      cluster.api.context,
    );
    await untilEnded(cluster, started.operation?.id ?? "");
    await untilState(cluster, "failed");
    await cluster.clock.runFor(10_000);
    const { problem, stages } = await contextOf(cluster);
    expect(problem).toBe("individual settings failed with exit code 100");
    expect(stages[1]?.logTail).toBe("token is (secret)\nE: no such package\n");
    expect(stages).toHaveLength(3);
  });

  it("that says nothing times out, and may still come", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 5, hosts: 1 });
    const vmId = await created(cluster, JSON.stringify({ timeout: "1m" }));
    cluster.world.setFirstBoot(vmId, []);
    await cluster.killAgent("h1");
    await cluster.startAgent("h1");
    await untilState(cluster, "timed-out");
    expect((await contextOf(cluster)).problem).toContain("the guest never reported");
    cluster.world.setFirstBoot(vmId, [
      { atMs: 1_000, text: "MUSTER1 1 individual running 0 -" },
      { atMs: 1_000, text: "MUSTER1 2 individual done 0 -" },
      { atMs: 1_000, text: "MUSTER1 3 central skipped 0 -" },
    ]);
    await cluster.killAgent("h1");
    await cluster.startAgent("h1");
    await untilState(cluster, "configured");
  });
});

describe("secrets of contexts", () => {
  const canaries = /canary-in-a/;

  it("are nowhere but on the disk", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 6, hosts: 1 });
    await created(cluster, aContextText.replace('"remove"', '"keep"'));
    await untilState(cluster, "configured");
    const { api } = cluster;
    const { view } = cluster.coordinator.ledger;
    const shown = await contextOf(cluster);
    expect(shown.redacted).toContain("/etc/secret");
    const vm = await api.vms.getVm({ vm: "told" }, api.context);
    const told = [
      await storedText(cluster),
      await cluster.diskOf("h1").read(),
      JSON.stringify(shown),
      JSON.stringify([...view.audit.values()]),
      JSON.stringify(vm, (_name, each: unknown) => (typeof each === "bigint" ? 0 : each)),
    ];
    for (const text of told) expect(text).not.toMatch(canaries);
    expect(await storedText(cluster)).toContain("muster-context-1:");
  });

  it("are sealed anew with a new key, and open as before", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 7, hosts: 1 });
    const vmId = await created(cluster, keeping);
    const sealed = () => cluster.coordinator.ledger.view.contexts.get(vmId);
    const before = { record: sealed(), shown: (await contextOf(cluster)).redacted };
    const rotated = await cluster.api.contexts.rotateSecrets({ why }, cluster.api.context);
    expect(rotated).toStrictEqual({ contexts: 1, key: 2 });
    expect(sealed()?.sealedSecret).not.toBe(before.record?.sealedSecret);
    expect((await contextOf(cluster)).redacted).toBe(before.shown);
    const { secrets } = cluster.coordinator.ledger.view;
    expect(secrets?.keys.map(({ number }) => number)).toStrictEqual([2]);
  });

  it("are given only to the host of the VM", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 8, hosts: 2 });
    const vmId = await created(cluster, keeping);
    const { contexts, ledger } = cluster.coordinator;
    const hostId = (name: string) => ledger.view.hostByName(name)?.id ?? ("" as never);
    expect(contexts.seedFor(hostId("h1"), vmId).files.length).toBeGreaterThan(0);
    const refused = contexts.seedFor(hostId("h2"), vmId);
    expect(refused).toMatchObject({ files: [], error: { code: "forbidden" } });
  });

  it("cannot be moved into another VM's record", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 9, hosts: 1 });
    const vmId = await created(cluster, keeping);
    const { contexts, ledger } = cluster.coordinator;
    const record = ledger.view.contexts.get(vmId);
    if (record === undefined) throw new Error("there is no context");
    const other = parseVmId("b0000000-0000-4000-8000-000000000001");
    expect(() => contexts.open({ ...record, vmId: other })).toThrow("cannot be opened");
  });
});
