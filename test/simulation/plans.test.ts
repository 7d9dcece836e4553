/**
 * Kept plans: proposed, approved, run, verified. Every move is checked again before it starts, a plan made stale stops
 * or is made anew and says why, and rebalancing by itself never runs to and fro.
 */
import { isEnded, isPlanOver, parseVmId, type PlanRecord, type VmId } from "@muster/model";
import { PlanChange, VmChange, type AskPlanRequest } from "@muster/proto/admin";
import { describe, expect, it } from "vitest";
import { checkAtRest, checkNow } from "./invariants.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

const GIB = 1024n ** 3n;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const why = undefined;

async function createVm(
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

async function unevenCluster(count = 6, hosts = 3) {
  const cluster = await SimulatedCluster.start({ seed: 11, hosts });
  const vms: VmId[] = [];
  for (let number = 1; number <= count; number += 1) {
    vms.push(await createVm(cluster, `vm-${String(number)}`, "h1"));
  }
  await cluster.clock.runFor(15_000);
  return { cluster, vms };
}

async function keep(
  cluster: SimulatedCluster,
  question: NonNullable<AskPlanRequest["question"]>,
): Promise<PlanRecord> {
  const { keptPlans } = await cluster.api.plans.askPlan(
    { snapshotGzip: Buffer.alloc(0), withinMs: 0, keep: true, placeRules: undefined, question },
    cluster.api.context,
  );
  return planOf(cluster, keptPlans[0] ?? "");
}

const rebalance = { $case: "rebalance", value: { movesMax: 0, seed: 0 } } as const;

function planOf(cluster: SimulatedCluster, id: string): PlanRecord {
  const found = [...cluster.coordinator.ledger.view.plans.values()].find((plan) => plan.id === id);
  if (found === undefined) throw new Error(`there is no plan ${id}`);
  return found;
}

async function run(cluster: SimulatedCluster, plan: string, replan = false): Promise<string> {
  const { operation } = await cluster.api.kept.runPlan(
    { plan, replan, copyStorage: false, why },
    cluster.api.context,
  );
  return operation?.id ?? "";
}

/** Checks the promises all the way. */
async function untilOver(cluster: SimulatedCluster, id: string): Promise<PlanRecord> {
  const broken: string[] = [];
  const isOver = (): boolean => {
    broken.push(...checkNow(cluster));
    return cluster.isCoordinatorUp && isPlanOver(planOf(cluster, id).state);
  };
  expect(await cluster.clock.runUntil(isOver, HOUR_MS)).toBe(true);
  expect(broken).toStrictEqual([]);
  return planOf(cluster, id);
}

const whereIs = (cluster: SimulatedCluster, vms: readonly VmId[]): readonly string[] =>
  vms.map((vm) => cluster.world.runningOn(vm).join("+"));

const movesOf = (cluster: SimulatedCluster) =>
  [...cluster.coordinator.ledger.view.operations.values()].filter(
    ({ type }) => type === "vm-migrate",
  );

const change = (cluster: SimulatedCluster, vm: VmId, wanted: VmChange) =>
  cluster.api.vms.changeVm(
    { vm, change: wanted, graceMs: 0, keepVolumes: false, why },
    cluster.api.context,
  );

const migrate = (cluster: SimulatedCluster, vm: VmId, host: string) =>
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

describe("a kept plan", () => {
  it("is proposed, approved, run and verified", async () => {
    const { cluster, vms } = await unevenCluster();
    await using _cluster = cluster;
    const plan = await keep(cluster, rebalance);
    expect(plan).toMatchObject({ id: "plan-0001", kind: "rebalance", state: "proposed" });
    expect(plan.scoreAfter).toBeLessThan(plan.scoreBefore ?? 0);
    const { api } = cluster;
    await api.kept.changePlan({ plan: "1", change: PlanChange.APPROVE, why }, api.context);
    expect(planOf(cluster, plan.id)).toMatchObject({ state: "approved", approvedBy: "simulation" });
    const operationId = await run(cluster, plan.id);
    expect(planOf(cluster, plan.id)).toMatchObject({ state: "running", operationId });
    const over = await untilOver(cluster, plan.id);
    expect(over.state).toBe("verified");
    expect(over.outcome.join("\n")).toMatch(/4 of 4 VMs are where they should be/);
    expect(over.outcome.join("\n")).toMatch(/score: was .* promised .* is /);
    expect(whereIs(cluster, vms).toSorted()).toStrictEqual(["h1", "h1", "h2", "h2", "h3", "h3"]);
    await cluster.clock.runFor(MINUTE_MS);
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });

  it("goes on after the coordinator was killed in its middle, and moves nothing twice", async () => {
    const { cluster, vms } = await unevenCluster(8, 3);
    await using _cluster = cluster;
    const plan = await keep(cluster, { $case: "drain", value: { hosts: ["h1"] } });
    await run(cluster, plan.id);
    const isMoving = (): boolean => movesOf(cluster).some(({ state }) => state === "succeeded");
    expect(await cluster.clock.runUntil(isMoving, HOUR_MS)).toBe(true);
    cluster.killCoordinator();
    await cluster.clock.runFor(20_000);
    await cluster.startCoordinator();
    const over = await untilOver(cluster, plan.id);
    expect(over.state).toBe("verified");
    expect(movesOf(cluster)).toHaveLength(vms.length);
    expect(whereIs(cluster, vms)).not.toContain("h1");
    expect(cluster.coordinator.ledger.view.hostByName("h1")?.cordoned).toBe(true);
    await cluster.clock.runFor(MINUTE_MS);
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });

  it("starts nothing new once it is cancelled, and lets what moves arrive", async () => {
    const { cluster } = await unevenCluster(9, 3);
    await using _cluster = cluster;
    const plan = await keep(cluster, rebalance);
    await run(cluster, plan.id);
    expect(await cluster.clock.runUntil(() => movesOf(cluster).length > 0, HOUR_MS)).toBe(true);
    const { api } = cluster;
    await api.kept.changePlan({ plan: plan.id, change: PlanChange.CANCEL, why }, api.context);
    const begun = movesOf(cluster).length;
    const over = await untilOver(cluster, plan.id);
    expect(over.state).toBe("cancelled");
    expect(movesOf(cluster)).toHaveLength(begun);
    expect(begun).toBeLessThan(plan.moves.length);
    expect(movesOf(cluster).every(({ state }) => state === "succeeded")).toBe(true);
  });

  it("is refused when the cluster has changed, naming what, and runs when it may be made anew", async () => {
    const { cluster, vms } = await unevenCluster();
    await using _cluster = cluster;
    const plan = await keep(cluster, rebalance);
    const first = plan.moves[0]?.vmId ?? vms[0];
    if (first === undefined) throw new Error("nothing moves");
    await change(cluster, first, VmChange.FORCE_DELETE);
    await cluster.clock.runFor(MINUTE_MS);
    await expect(run(cluster, plan.id)).rejects.toMatchObject({
      code: "wrong-state",
      reasons: [expect.stringMatching(/: it is gone$/)],
    });
    const shown = await cluster.api.kept.getPlan(
      { plan: plan.id, check: true },
      cluster.api.context,
    );
    expect(shown.lines.join("\n")).toMatch(/it is gone/);
    await run(cluster, plan.id, true);
    const over = await untilOver(cluster, plan.id);
    expect(over).toMatchObject({ state: "verified", replans: 1 });
    expect(over.outcome[0]).toMatch(/planned anew after 0 of 4 moves, .*it is gone/);
  });

  it("stops in its middle when a move cannot be made any more, and says why", async () => {
    const { cluster } = await unevenCluster(9, 3);
    await using _cluster = cluster;
    const plan = await keep(cluster, rebalance);
    await run(cluster, plan.id);
    expect(await cluster.clock.runUntil(() => movesOf(cluster).length > 0, HOUR_MS)).toBe(true);
    const last = plan.moves.at(-1);
    if (last === undefined) throw new Error("nothing moves");
    // Somebody closes the host that the last wave goes to.
    const target = cluster.coordinator.ledger.view.hosts.get(last.toId)?.name ?? "";
    await cluster.api.hosts.setHostCordon(
      { host: target, cordoned: true, why },
      cluster.api.context,
    );
    const over = await untilOver(cluster, plan.id);
    expect(over.state).toBe("failed");
    const operation = cluster.coordinator.ledger.view.operations.get(over.operationId as never);
    expect(operation?.error?.message).toBe(`the cluster has changed since ${plan.id} was made`);
    expect(operation?.error?.reasons.join("\n")).toMatch(/cordoned/);
    await cluster.clock.runFor(MINUTE_MS);
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });

  it("waits for other motion, gives way to one that moves the same VMs, and expires", async () => {
    const { cluster, vms } = await unevenCluster();
    await using _cluster = cluster;
    const [first] = vms;
    if (first === undefined) throw new Error("no VM");
    const plan = await keep(cluster, rebalance);
    await migrate(cluster, first, "h2");
    await expect(run(cluster, plan.id)).rejects.toMatchObject({ code: "busy" });
    const allEnded = (): boolean => movesOf(cluster).every(({ state }) => isEnded(state));
    expect(await cluster.clock.runUntil(allEnded, HOUR_MS)).toBe(true);
    const drain = await keep(cluster, { $case: "drain", value: { hosts: ["h1"] } });
    await run(cluster, drain.id);
    expect(planOf(cluster, plan.id)).toMatchObject({
      state: "superseded",
      outcome: [`${drain.id} moves some of its VMs`],
    });
    await untilOver(cluster, drain.id);
    const late = await keep(cluster, { $case: "drain", value: { hosts: ["h2"] } });
    await cluster.clock.runFor(2 * HOUR_MS);
    expect(planOf(cluster, late.id).state).toBe("expired");
    await expect(run(cluster, late.id)).rejects.toMatchObject({ code: "wrong-state" });
  });
});

describe("coming home", () => {
  it("a drain remembers, a return restores", async () => {
    const { cluster, vms } = await unevenCluster(5);
    await using _cluster = cluster;
    const { api } = cluster;
    await createVm(cluster, "other", "h2");
    const before = whereIs(cluster, vms);
    const { operation } = await api.drains.drainHost(
      { host: "h1", copyStorage: false, why },
      api.context,
    );
    const hasEnded = (): boolean =>
      isEnded(
        cluster.coordinator.ledger.view.operations.get(operation?.id as never)?.state ?? "queued",
      );
    expect(await cluster.clock.runUntil(hasEnded, HOUR_MS)).toBe(true);
    expect(whereIs(cluster, vms)).not.toContain("h1");
    const request = { host: "h1", copyStorage: false, why };
    await expect(
      api.returns.returnHost({ ...request, uncordon: false }, api.context),
    ).rejects.toMatchObject({ code: "wrong-state" });
    const returned = await api.returns.returnHost({ ...request, uncordon: true }, api.context);
    const over = await untilOver(cluster, returned.planId);
    expect(over.state).toBe("verified");
    expect(whereIs(cluster, vms)).toStrictEqual(before);
    const { view } = cluster.coordinator.ledger;
    expect([...view.vms.values()].filter(({ away }) => away !== undefined)).toStrictEqual([]);
    const again = await api.returns.returnHost({ ...request, uncordon: false }, api.context);
    expect(again.operation).toBeUndefined();
    await cluster.clock.runFor(MINUTE_MS);
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });
});

async function setRebalance(cluster: SimulatedCluster, automation: string): Promise<void> {
  const nothing = {
    surviveLevel: undefined,
    surviveCount: 0,
    topologyLevels: undefined,
    environments: [],
    startAbove: 0.02,
    cooldownMs: 2 * HOUR_MS,
    movesPerPlanMax: undefined,
    why,
  };
  await cluster.api.policy.setPolicy(
    {
      ...nothing,
      automation,
      periodMs: 5 * MINUTE_MS,
      gainMin: 0.15,
      holdPasses: 2,
      movesPerDayMax: 12,
    },
    cluster.api.context,
  );
}

const plans = (cluster: SimulatedCluster): readonly PlanRecord[] => [
  ...cluster.coordinator.ledger.view.plans.values(),
];

describe("rebalancing by itself", () => {
  it("only reports in shadow mode, and says so", async () => {
    const { cluster } = await unevenCluster();
    await using _cluster = cluster;
    await setRebalance(cluster, "shadow");
    await cluster.clock.runFor(HOUR_MS);
    expect(plans(cluster)).toStrictEqual([]);
    expect(movesOf(cluster)).toStrictEqual([]);
    const { rebalance: status } = await cluster.api.policy.getPolicy({}, cluster.api.context);
    expect(status).toMatchObject({ automation: "shadow", movesPossible: 4 });
    expect(status?.lastResult).toMatch(/only reported$/);
  });

  it("proposes in manual mode, and in partial mode runs what was approved", async () => {
    const { cluster, vms } = await unevenCluster();
    await using _cluster = cluster;
    const { api } = cluster;
    await setRebalance(cluster, "manual");
    await cluster.clock.runFor(30 * MINUTE_MS);
    const [proposed] = plans(cluster);
    expect(proposed).toMatchObject({ state: "proposed", createdBy: "rebalance" });
    await api.kept.changePlan(
      { plan: proposed?.id ?? "", change: PlanChange.APPROVE, why },
      api.context,
    );
    await cluster.clock.runFor(5 * MINUTE_MS);
    expect(movesOf(cluster)).toStrictEqual([]);
    await setRebalance(cluster, "partial");
    await untilOver(cluster, proposed?.id ?? "");
    expect(planOf(cluster, proposed?.id ?? "").state).toBe("verified");
    expect(whereIs(cluster, vms).filter((host) => host === "h1")).toHaveLength(2);
  });

  it("never runs to and fro while the load changes, and keeps its budget", async () => {
    const { cluster, vms } = await unevenCluster(9);
    await using _cluster = cluster;
    await setRebalance(cluster, "full");
    const broken: string[] = [];
    const watched = async (ms: number): Promise<void> => {
      const until = cluster.clock.now() + ms;
      await cluster.clock.runUntil(() => {
        broken.push(...checkNow(cluster));
        return cluster.clock.now() >= until;
      }, 2 * ms);
    };
    // A day in which VMs come, go, stop and start, on whichever hosts they are.
    let born = 0;
    for (let hour = 0; hour < 24; hour += 1) {
      const pick = vms[Math.floor(cluster.random.fraction() * vms.length)];
      const dice = cluster.random.fraction();
      if (dice < 0.4) {
        born += 1;
        vms.push(await createVm(cluster, `late-${String(born)}`, "h2"));
      } else if (pick !== undefined) {
        const wanted = dice < 0.7 ? VmChange.FORCE_STOP : VmChange.START;
        await change(cluster, pick, wanted).catch((error: unknown) => {
          // Busy with a move just now: the next hour will do.
          expect(error).toMatchObject({
            code: expect.stringMatching(/busy|wrong-state/) as string,
          });
        });
      }
      await watched(HOUR_MS);
    }
    expect(broken).toStrictEqual([]);
    const moves = movesOf(cluster).filter(({ state }) => state === "succeeded");
    expect(moves.length).toBeGreaterThan(0);
    expect(moves.length).toBeLessThanOrEqual(2 * 12);
    expectNoReturnWithin(moves, 2 * HOUR_MS);
    // Once nothing changes, it comes to rest and stays there.
    await watched(6 * HOUR_MS);
    const settled = movesOf(cluster).length;
    await watched(24 * HOUR_MS);
    expect(movesOf(cluster)).toHaveLength(settled);
    expect(broken).toStrictEqual([]);
    expect(checkAtRest(cluster)).toStrictEqual([]);
  }, 120_000);
});

/** No VM moves again before its cool-down is over. */
function expectNoReturnWithin(moves: ReturnType<typeof movesOf>, cooldownMs: number): void {
  const last = new Map<string, number>();
  for (const { subject, createdAt, endedAt } of moves) {
    const before = last.get(subject);
    if (before !== undefined) {
      expect(Date.parse(createdAt) - before).toBeGreaterThanOrEqual(cooldownMs - MINUTE_MS);
    }
    last.set(subject, Date.parse(endedAt ?? ""));
  }
}
