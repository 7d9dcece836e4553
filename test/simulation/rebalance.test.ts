/** Rebalancing by policy: it reports, proposes or runs as it is told, and never runs to and fro. */
import type { PlanRecord } from "@muster/model";
import { PlanChange, VmChange } from "@muster/proto/admin";
import { describe, expect, it } from "vitest";
import { checkAtRest, checkNow } from "./invariants/at-rest.ts";
import {
  change,
  createVm,
  HOUR_MS,
  MINUTE_MS,
  movesOf,
  planOf,
  unevenCluster,
  untilOver,
  whereIs,
  why,
} from "./planned-cluster.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

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
