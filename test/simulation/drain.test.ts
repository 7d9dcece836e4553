/** Draining a host: everything that runs leaves two at a time, nothing is ever powered off, and trouble is survived. */
import { isEnded, parseVmId, type OperationRecord, type VmId } from "@muster/model";
import { VmChange } from "@muster/proto/admin";
import { describe, expect, it } from "vitest";
import { checkAtRest, checkNow } from "./invariants/at-rest.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

const GIB = 1024n ** 3n;
const HOUR_MS = 3_600_000;

async function createVm(cluster: SimulatedCluster, name: string, memoryGib = 1n): Promise<VmId> {
  const { vm } = await cluster.api.vms.createVm(
    {
      spec: {
        name,
        cpus: 1,
        memoryBytes: memoryGib * GIB,
        disks: [{ storage: "shared", sizeBytes: GIB, baseVolume: "" }],
        nics: [],
        kernel: undefined,
        antiAffinityGroups: [],
        cpuModel: "",
        machineType: "",
        ha: undefined,
      },
      stopped: false,
      host: "h1",
      why: undefined,
    },
    cluster.api.context,
  );
  const vmId = parseVmId(vm?.id ?? "");
  const isFree = (): boolean => {
    const record = cluster.coordinator.ledger.view.vms.get(vmId);
    return record?.created === true && record.operationId === undefined;
  };
  expect(await cluster.clock.runUntil(isFree, 60_000)).toBe(true);
  return vmId;
}

async function drain(cluster: SimulatedCluster): Promise<string> {
  const { operation } = await cluster.api.drains.drainHost(
    { host: "h1", copyStorage: false, why: undefined },
    cluster.api.context,
  );
  return operation?.id ?? "";
}

const operations = (cluster: SimulatedCluster): readonly OperationRecord[] => [
  ...cluster.coordinator.ledger.view.operations.values(),
];

function operationOf(cluster: SimulatedCluster, id: string): OperationRecord {
  const found = operations(cluster).find((operation) => operation.id === id);
  if (found === undefined) throw new Error(`operation ${id} is gone`);
  return found;
}

const movesOf = (cluster: SimulatedCluster): readonly OperationRecord[] =>
  operations(cluster).filter(({ type }) => type === "vm-migrate");

/** Checks the promises all the way: never more than two moves at once, nobody off. */
async function untilEnded(cluster: SimulatedCluster, id: string): Promise<OperationRecord> {
  let movingMax = 0;
  const broken: string[] = [];
  const isDone = (): boolean => {
    broken.push(...checkNow(cluster));
    if (!cluster.isCoordinatorUp) return false;
    const moving = movesOf(cluster).filter(({ state }) => !isEnded(state)).length;
    movingMax = Math.max(movingMax, moving);
    return isEnded(operationOf(cluster, id).state);
  };
  expect(await cluster.clock.runUntil(isDone, HOUR_MS)).toBe(true);
  expect(movingMax).toBeLessThanOrEqual(2);
  expect(broken).toStrictEqual([]);
  return operationOf(cluster, id);
}

const whereIs = (cluster: SimulatedCluster, vms: readonly VmId[]): readonly string[] =>
  vms.map((vm) => cluster.world.runningOn(vm).join("+"));

const isCordoned = (cluster: SimulatedCluster): boolean | undefined =>
  cluster.coordinator.ledger.view.hostByName("h1")?.cordoned;

async function clusterWithVms(count: number, hosts = 3) {
  const cluster = await SimulatedCluster.start({ seed: 7, hosts });
  const vms: VmId[] = [];
  for (let number = 1; number <= count; number += 1) {
    vms.push(await createVm(cluster, `vm-${String(number)}`));
  }
  return { cluster, vms };
}

describe("a drain", () => {
  it("moves everything that runs, two at a time, and leaves the host cordoned", async () => {
    const { cluster, vms } = await clusterWithVms(5);
    await using _cluster = cluster;
    const drained = await untilEnded(cluster, await drain(cluster));
    expect(drained).toMatchObject({ state: "succeeded", subject: "host/h1" });
    expect(drained.explanation.at(-1)).toMatch(/^decided on snapshot [0-9a-f]{16}$/);
    expect(whereIs(cluster, vms).every((host) => host === "h2" || host === "h3")).toBe(true);
    expect(movesOf(cluster).map(({ state }) => state)).toStrictEqual(vms.map(() => "succeeded"));
    expect(isCordoned(cluster)).toBe(true);
    await cluster.clock.runFor(30_000);
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });

  it("moves what it can, fails naming what it cannot, and powers nothing off", async () => {
    const { cluster, vms } = await clusterWithVms(2, 2);
    await using _cluster = cluster;
    const large = await createVm(cluster, "large", 13n);
    await cluster.api.hosts.setHostCordon(
      { host: "h1", cordoned: true, why: undefined },
      cluster.api.context,
    );
    await createVmOn(cluster, "filler", "h2");
    const drained = await untilEnded(cluster, await drain(cluster));
    expect(drained.state).toBe("failed");
    expect(drained.error?.message).toBe("1 VM could not leave host h1");
    expect(drained.error?.reasons.join("\n")).toMatch(/^large: .*\nlarge: .*not enough memory/ms);
    expect(whereIs(cluster, [...vms, large])).toStrictEqual(["h2", "h2", "h1"]);
  });

  it("leaves a stopped VM where it is and does not fail for it", async () => {
    const { cluster, vms } = await clusterWithVms(2);
    await using _cluster = cluster;
    const [first] = vms;
    await cluster.api.vms.changeVm(
      {
        vm: first ?? "",
        change: VmChange.FORCE_STOP,
        graceMs: 0,
        keepVolumes: false,
        why: undefined,
      },
      cluster.api.context,
    );
    await cluster.clock.runFor(30_000);
    const drained = await untilEnded(cluster, await drain(cluster));
    expect(drained.state).toBe("succeeded");
    expect(movesOf(cluster)).toHaveLength(1);
  });

  it("goes on after the coordinator was killed, and moves nothing twice", async () => {
    const { cluster, vms } = await clusterWithVms(5);
    await using _cluster = cluster;
    const id = await drain(cluster);
    const isMoving = (): boolean => movesOf(cluster).some(({ state }) => state === "succeeded");
    expect(await cluster.clock.runUntil(isMoving, HOUR_MS)).toBe(true);
    cluster.killCoordinator();
    await cluster.clock.runFor(20_000);
    await cluster.startCoordinator();
    const drained = await untilEnded(cluster, id);
    expect(drained.state).toBe("succeeded");
    expect(movesOf(cluster)).toHaveLength(vms.length);
    expect(whereIs(cluster, vms)).not.toContain("h1");
    await cluster.clock.runFor(60_000);
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });

  it("starts nothing new once it is cancelled, and lets what moves arrive", async () => {
    const { cluster, vms } = await clusterWithVms(6);
    await using _cluster = cluster;
    const id = await drain(cluster);
    expect(await cluster.clock.runUntil(() => movesOf(cluster).length > 0, HOUR_MS)).toBe(true);
    await cluster.api.operations.cancelOperation({ id, why: undefined }, cluster.api.context);
    const begun = movesOf(cluster).length;
    const drained = await untilEnded(cluster, id);
    expect(drained.state).toBe("cancelled");
    expect(movesOf(cluster)).toHaveLength(begun);
    expect(movesOf(cluster).every(({ state }) => state === "succeeded")).toBe(true);
    expect(whereIs(cluster, vms).filter((host) => host === "h1")).toHaveLength(6 - begun);
    expect(isCordoned(cluster)).toBe(true);
  });

  it("is only planned in a dry run, and refused while another one runs", async () => {
    const { cluster } = await clusterWithVms(3);
    await using _cluster = cluster;
    const request = { host: "h1", copyStorage: false };
    const why = { reason: "", dryRun: true, requestId: "" };
    const planned = await cluster.api.drains.drainHost({ ...request, why }, cluster.api.context);
    expect(planned.operation).toBeUndefined();
    expect(planned.plan?.moves).toHaveLength(3);
    expect(isCordoned(cluster)).toBe(false);
    const id = await drain(cluster);
    await expect(drain(cluster)).rejects.toMatchObject({ code: "busy" });
    await untilEnded(cluster, id);
  });
});

/** Takes room on another host, so that the large one has nowhere to go. */
async function createVmOn(cluster: SimulatedCluster, name: string, host: string): Promise<void> {
  await cluster.api.vms.createVm(
    {
      spec: {
        name,
        cpus: 1,
        memoryBytes: 4n * GIB,
        disks: [],
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
  await cluster.clock.runFor(30_000);
}
