/** What seeds have found, told as stories. */
import { isEnded, parseVmId, type OperationRecord, type VmId } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { encodeNetworkSpec } from "@muster/model/wire";
import { VmChange } from "@muster/proto/admin";
import { describe, expect, it } from "vitest";
import { runHistory } from "./history.ts";
import { checkAtRest } from "./invariants/at-rest.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

const MIB = 1024n ** 2n;

async function createVm(cluster: SimulatedCluster, name: string, host = ""): Promise<VmId> {
  const asked = cluster.api.vms.createVm(
    {
      spec: {
        name,
        cpus: 1,
        memoryBytes: 2048n * MIB,
        disks: [{ storage: "shared", sizeBytes: 1024n * MIB, baseVolume: "" }],
        nics: [],
        kernel: undefined,
        antiAffinityGroups: [],
        cpuModel: "",
        machineType: "",
        ha: undefined,
      },
      stopped: false,
      host,
      why: undefined,
    },
    cluster.api.context,
  );
  let isAnswered = false;
  const answered = (): void => {
    isAnswered = true;
  };
  asked.then(answered, answered);
  await cluster.clock.runUntil(() => isAnswered, 60_000);
  const { vm } = await asked;
  const vmId = parseVmId(vm?.id ?? "");
  expect(await cluster.clock.runUntil(() => isFree(cluster, vmId), 60_000)).toBe(true);
  return vmId;
}

const isFree = (cluster: SimulatedCluster, vmId: VmId): boolean => {
  const vm = cluster.coordinator.ledger.view.vms.get(vmId);
  return vm?.created === true && vm.operationId === undefined;
};

async function migrate(cluster: SimulatedCluster, vm: VmId, host = ""): Promise<string> {
  const { operation } = await cluster.api.vms.migrateVm(
    {
      vm,
      host,
      bandwidthMibPerSecond: 0,
      noAutoConverge: false,
      copyStorage: false,
      downtimeLimitMs: 0,
      why: undefined,
    },
    cluster.api.context,
  );
  return operation?.id ?? "";
}

function operationOf(cluster: SimulatedCluster, id: string): OperationRecord {
  const found = [...cluster.coordinator.ledger.view.operations.values()].find(
    (operation) => operation.id === id,
  );
  if (found === undefined) throw new Error(`operation ${id} is gone`);
  return found;
}

async function untilEnded(cluster: SimulatedCluster, id: string): Promise<OperationRecord> {
  const done = (): boolean => cluster.isCoordinatorUp && isEnded(operationOf(cluster, id).state);
  expect(await cluster.clock.runUntil(done, 60 * 60_000)).toBe(true);
  return operationOf(cluster, id);
}

const stepOf = (cluster: SimulatedCluster, id: string, name: string): string | undefined =>
  operationOf(cluster, id).steps.find((step) => step.name === name)?.state;

function hostNameOf(cluster: SimulatedCluster, vmId: VmId): string | undefined {
  const { hosts, vms } = cluster.coordinator.ledger.view;
  const placement = vms.get(vmId)?.placement;
  return placement === undefined ? undefined : hosts.get(placement.hostId)?.name;
}

async function quiet(cluster: SimulatedCluster): Promise<void> {
  await cluster.clock.runFor(20 * 60_000);
  expect(checkAtRest(cluster)).toStrictEqual([]);
}

describe("a power cut of the source in the middle of a migration", () => {
  it("does not count as having left: the VM stays where its disk's owner was", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 1, hosts: 2 });
    const vmId = await createVm(cluster, "web", "h1");
    cluster.world.setGuest(vmId, { dirtyBytesPerSecond: 50n * MIB });
    const id = await migrate(cluster, vmId, "h2");
    const moving = (): boolean => stepOf(cluster, id, "move") === "running";
    expect(await cluster.clock.runUntil(moving, 10_000)).toBe(true);
    await cluster.clock.runFor(300);
    expect(cluster.world.runningOn(vmId)).toStrictEqual(["h1"]);
    await cluster.powerCut("h1");
    await cluster.clock.runFor(20_000);
    await cluster.boot("h1");
    expect((await untilEnded(cluster, id)).state).toBe("failed");
    expect(hostNameOf(cluster, vmId)).toBe("h1");
    await quiet(cluster);
  });
});

describe("a result that was recorded but not acknowledged", () => {
  it("leaves no entry in the agent's journal when the coordinator died in between", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 2, hosts: 1 });
    const vmId = await createVm(cluster, "web", "h1");
    await cluster.api.vms.changeVm(
      { vm: vmId, change: VmChange.PAUSE, graceMs: 0, keepVolumes: false, why: undefined },
      cluster.api.context,
    );
    const recorded = (): boolean => isFree(cluster, vmId);
    expect(await cluster.clock.runUntil(recorded, 10_000)).toBe(true);
    // The acknowledgement is on its way; the coordinator dies, and it never arrives.
    cluster.killCoordinator();
    expect(cluster.journalOf("h1").entries()).toHaveLength(1);
    await cluster.clock.runFor(1_000);
    await cluster.startCoordinator();
    await cluster.clock.runFor(10_000);
    expect(cluster.journalOf("h1").entries()).toStrictEqual([]);
    await quiet(cluster);
  });

  it("of a step that is being undone leaves none either", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 3, hosts: 1 });
    const created = createVm(cluster, "web", "h1").catch((error: unknown) => error);
    cluster.world.inject("h1", { operation: "start", times: 1, effect: { kind: "fail" } });
    const undoing = (): boolean =>
      cluster.isCoordinatorUp &&
      [...cluster.coordinator.ledger.view.operations.values()].some(
        ({ state }) => state === "undoing",
      );
    expect(await cluster.clock.runUntil(undoing, 10_000)).toBe(true);
    cluster.killCoordinator();
    await cluster.clock.runFor(1_000);
    await cluster.startCoordinator();
    await cluster.clock.runFor(120_000);
    await created;
    expect(cluster.journalOf("h1").entries()).toStrictEqual([]);
    await quiet(cluster);
  });
});

describe("a full disk while a result is recorded", () => {
  it("of the agent, as the acknowledgement comes: the entry is forgotten once there is room", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 6, hosts: 1 });
    const vmId = await createVm(cluster, "web", "h1");
    await cluster.api.vms.changeVm(
      { vm: vmId, change: VmChange.PAUSE, graceMs: 0, keepVolumes: false, why: undefined },
      cluster.api.context,
    );
    expect(await cluster.clock.runUntil(() => isFree(cluster, vmId), 10_000)).toBe(true);
    cluster.diskOf("h1").setTrouble("full");
    await cluster.clock.runFor(60_000);
    expect(cluster.journalOf("h1").entries()).toHaveLength(1);
    cluster.diskOf("h1").setTrouble(undefined);
    await cluster.clock.runFor(20_000);
    expect(cluster.journalOf("h1").entries()).toStrictEqual([]);
    await quiet(cluster);
  });

  it("of the coordinator, as an undo is done: every attempt is acknowledged in the end", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 7, hosts: 1 });
    const created = createVm(cluster, "web", "h1").catch((error: unknown) => error);
    cluster.world.inject("h1", { operation: "start", times: 1, effect: { kind: "fail" } });
    const isUndoingDefine = (): boolean =>
      [...cluster.coordinator.ledger.view.operations.values()].some(
        ({ state, steps }) =>
          state === "undoing" &&
          steps.some(({ name, attempt }) => name === "define" && attempt === 2),
      );
    expect(await cluster.clock.runUntil(isUndoingDefine, 10_000)).toBe(true);
    cluster.storeTrouble.isFull = true;
    await cluster.clock.runFor(30_000);
    cluster.storeTrouble.isFull = false;
    await cluster.clock.runFor(120_000);
    await created;
    const ended = [...cluster.coordinator.ledger.view.operations.values()].map(
      ({ state, steps }) => [state, steps[0]?.name, steps[0]?.attempt],
    );
    expect(ended).toStrictEqual([["failed", "define", 3]]);
    expect(cluster.journalOf("h1").entries()).toStrictEqual([]);
    await quiet(cluster);
  });
});

describe("a cancel while the source of a migration is away", () => {
  it("reaches it when it is back, and the VM stays", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 4, hosts: 2 });
    const vmId = await createVm(cluster, "web", "h1");
    // Never converges: only the cancel ends it.
    cluster.world.setGuest(vmId, { dirtyBytesPerSecond: 100_000n * MIB });
    const id = await migrate(cluster, vmId, "h2");
    const moving = (): boolean => stepOf(cluster, id, "move") === "running";
    expect(await cluster.clock.runUntil(moving, 10_000)).toBe(true);
    await cluster.clock.runFor(500);
    cluster.network.cutOff("h1");
    await cluster.clock.runFor(20_000);
    await cluster.api.operations.cancelOperation({ id, why: undefined }, cluster.api.context);
    await cluster.clock.runFor(5_000);
    cluster.network.reconnect("h1");
    const { state } = await untilEnded(cluster, id);
    expect(state).toBe("cancelled");
    expect(cluster.world.runningOn(vmId)).toStrictEqual(["h1"]);
    await quiet(cluster);
  });
});

describe("a request right after another coordinator began to lead", () => {
  it("is held until the hosts are heard, instead of being refused for want of a host", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 1, hosts: 3 });
    cluster.killCoordinator();
    await cluster.startCoordinator();
    const vmId = await createVm(cluster, "web");
    expect(cluster.world.runningOn(vmId)).toHaveLength(1);
    cluster.killCoordinator();
    await cluster.startCoordinator();
    const moved = migrate(cluster, vmId);
    await cluster.clock.runFor(60_000);
    expect(operationOf(cluster, await moved).state).toBe("succeeded");
  });

  it("is refused after a while, naming the hosts that were not heard", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 1, hosts: 2 });
    for (const host of cluster.hostNames) await cluster.powerCut(host);
    cluster.killCoordinator();
    await cluster.startCoordinator();
    const refused = createVm(cluster, "web").catch((error: unknown) => error);
    await cluster.clock.runFor(40_000);
    expect(await refused).toMatchObject({
      code: "no-placement",
      reasons: expect.arrayContaining([
        "2 hosts have not been heard since this coordinator began to lead 20 s ago: h1, h2",
      ]) as unknown,
    });
  });
});

describe("a network that is created while the coordinator restarts", () => {
  it("is not said to be everywhere before the hosts have said so", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 5, hosts: 3 });
    const { operation } = await cluster.api.networks.createNetwork(
      { spec: encodeNetworkSpec(aNetwork({ name: "blue" })), why: undefined },
      cluster.api.context,
    );
    cluster.killCoordinator();
    await cluster.startCoordinator();
    const ended = await untilEnded(cluster, operation?.id ?? "");
    expect(ended.state).toBe("succeeded");
    const { observations, ledger } = cluster.coordinator;
    const states = [...ledger.view.hosts.keys()].map(
      (hostId) => observations.get(hostId)?.networks.get("blue")?.state,
    );
    expect(states).toStrictEqual(["ready", "ready", "ready"]);
  });
});

describe("twenty creates at once", () => {
  it("on hosts that fit fifteen: fifteen run, five are refused with reasons, none is over its limit", async () => {
    await using cluster = await SimulatedCluster.start({
      seed: 6,
      hosts: 3,
      // 10 GiB for VMs of 2 GiB each, beside 1 GiB of the host's own.
      memoryBytesPerHost: 11n * 1024n * MIB,
    });
    const names = Array.from({ length: 20 }, (_, index) => `vm-${String(index)}`);
    const asked = names.map((name) =>
      cluster.api.vms.createVm(
        {
          spec: {
            name,
            cpus: 1,
            memoryBytes: 2048n * MIB,
            disks: [],
            nics: [],
            kernel: undefined,
            antiAffinityGroups: [],
            cpuModel: "",
            machineType: "",
            ha: undefined,
          },
          stopped: false,
          host: "",
          why: undefined,
        },
        cluster.api.context,
      ),
    );
    const outcomes = await Promise.allSettled(asked);
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refused).toHaveLength(5);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({ code: "no-placement" });
      const { reasons } = reason as { readonly reasons: readonly string[] };
      for (const host of cluster.hostNames) {
        expect(reasons.join("\n")).toContain(`${host}: not enough memory`);
      }
    }
    await cluster.clock.runFor(60_000);
    const runners = cluster.hostNames.map(
      (host) => cluster.world.domains(host).filter(({ state }) => state === "running").length,
    );
    expect(runners).toStrictEqual([5, 5, 5]);
    await quiet(cluster);
  });
});

describe("a seed", () => {
  it("gives the same history twice", async () => {
    const history = async (): Promise<readonly string[]> => {
      const lines: string[] = [];
      const { log } = await runHistory({
        seed: 77,
        hosts: 3,
        minutes: 30,
        onLog: (line) => lines.push(line),
      });
      return [...lines, ...log];
    };
    const first = await history();
    expect(first.length).toBeGreaterThan(100);
    expect(await history()).toStrictEqual(first);
  });

  it.each([
    [12, 4],
    [17, 4],
    [107, 4],
  ])("%i is lucky now", async (seed, hosts) => {
    const { violations } = await runHistory({ seed, hosts, minutes: 30 });
    expect(violations).toStrictEqual([]);
  });
});
