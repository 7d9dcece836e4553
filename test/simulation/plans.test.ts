/**
 * Kept plans: proposed, approved, run, verified. Every move is checked again before it starts; a plan made stale stops
 * or is made anew and says why.
 */
import { isEnded } from "@muster/model";
import { PlanChange, VmChange } from "@muster/proto/admin";
import { describe, expect, it } from "vitest";
import { checkAtRest } from "./invariants/at-rest.ts";
import {
  change,
  createVm,
  HOUR_MS,
  keep,
  migrate,
  MINUTE_MS,
  movesOf,
  planOf,
  rebalance,
  run,
  unevenCluster,
  untilOver,
  whereIs,
  why,
} from "./planned-cluster.ts";

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
