/** What the tests of plans share: a cluster whose first host has everything, and the calls people make about it. */
import { isPlanOver, parseVmId, type PlanRecord, type VmId } from "@muster/model";
import type { AskPlanRequest, VmChange } from "@muster/proto/admin";
import { expect } from "vitest";
import { checkNow } from "./invariants/at-rest.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

const GIB = 1024n ** 3n;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const why = undefined;

export async function createVm(
  cluster: SimulatedCluster,
  name: string,
  host: string,
  memoryGib = 1n,
): Promise<VmId> {
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
      host,
      why,
    },
    cluster.api.context,
  );
  const vmId = parseVmId(vm?.id ?? "");
  const isFree = (): boolean => {
    const record = cluster.coordinator.ledger.view.vms.get(vmId);
    return record?.created === true && record.operationId === undefined;
  };
  expect(await cluster.clock.runUntil(isFree, MINUTE_MS)).toBe(true);
  return vmId;
}

export async function unevenCluster(count = 6, hosts = 3) {
  const cluster = await SimulatedCluster.start({ seed: 11, hosts });
  const vms: VmId[] = [];
  for (let number = 1; number <= count; number += 1) {
    vms.push(await createVm(cluster, `vm-${String(number)}`, "h1"));
  }
  await cluster.clock.runFor(15_000);
  return { cluster, vms };
}

export async function keep(
  cluster: SimulatedCluster,
  question: NonNullable<AskPlanRequest["question"]>,
): Promise<PlanRecord> {
  const { keptPlans } = await cluster.api.plans.askPlan(
    { snapshotGzip: Buffer.alloc(0), withinMs: 0, keep: true, placeRules: undefined, question },
    cluster.api.context,
  );
  return planOf(cluster, keptPlans[0] ?? "");
}

export const rebalance = { $case: "rebalance", value: { movesMax: 0, seed: 0 } } as const;

export function planOf(cluster: SimulatedCluster, id: string): PlanRecord {
  const found = [...cluster.coordinator.ledger.view.plans.values()].find((plan) => plan.id === id);
  if (found === undefined) throw new Error(`there is no plan ${id}`);
  return found;
}

export async function run(
  cluster: SimulatedCluster,
  plan: string,
  replan = false,
): Promise<string> {
  const { operation } = await cluster.api.kept.runPlan(
    { plan, replan, copyStorage: false, why },
    cluster.api.context,
  );
  return operation?.id ?? "";
}

/** Checks the promises all the way. */
export async function untilOver(cluster: SimulatedCluster, id: string): Promise<PlanRecord> {
  const broken: string[] = [];
  const isOver = (): boolean => {
    broken.push(...checkNow(cluster));
    return cluster.isCoordinatorUp && isPlanOver(planOf(cluster, id).state);
  };
  expect(await cluster.clock.runUntil(isOver, HOUR_MS)).toBe(true);
  expect(broken).toStrictEqual([]);
  return planOf(cluster, id);
}

export const whereIs = (cluster: SimulatedCluster, vms: readonly VmId[]): readonly string[] =>
  vms.map((vm) => cluster.world.runningOn(vm).join("+"));

export const movesOf = (cluster: SimulatedCluster) =>
  [...cluster.coordinator.ledger.view.operations.values()].filter(
    ({ type }) => type === "vm-migrate",
  );

export const change = (cluster: SimulatedCluster, vm: VmId, wanted: VmChange) =>
  cluster.api.vms.changeVm(
    { vm, change: wanted, graceMs: 0, keepVolumes: false, why },
    cluster.api.context,
  );

export const migrate = (cluster: SimulatedCluster, vm: VmId, host: string) =>
  cluster.api.vms.migrateVm(
    {
      vm,
      host,
      bandwidthMibPerSecond: 0,
      noAutoConverge: false,
      copyStorage: false,
      downtimeLimitMs: 0,
      why,
    },
    cluster.api.context,
  );
