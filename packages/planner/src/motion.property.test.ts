/** Laws of everything that moves VMs: a referee replays every plan and counts the rules again. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterMoves, planConsolidation } from "./consolidate.ts";
import { planDrain } from "./drain.ts";
import { planRebalance } from "./rebalance.ts";
import { planRecovery } from "./recover.ts";
import { planReturnHome } from "./return-home.ts";
import { planRolling } from "./rolling.ts";
import type { Snapshot } from "./snapshot.ts";
import { someClusters } from "./testing/clusters.ts";
import { bestArrangement, smallPart } from "./testing/best-arrangement.ts";
import { brokenAlongTheWay } from "./testing/referee.ts";

const clusters = someClusters(true);

const rebalance = (snapshot: Snapshot, seed = 1) => {
  const answer = planRebalance(snapshot, {
    seed,
    evaluationsMax: 4000,
    weights: { perMove: 0, perGiBMoved: 0 },
  });
  if (!answer.ok) throw new Error("nothing moves, so nothing may be refused");
  return answer;
};

describe("moves", () => {
  it("a rebalance keeps every rule at every moment and makes the score no worse", () => {
    fc.assert(
      fc.property(clusters, (snapshot) => {
        const plan = rebalance(snapshot);
        expect(brokenAlongTheWay(snapshot, plan.moves)).toEqual([]);
        expect(plan.scoreAfter).toBeLessThanOrEqual(plan.scoreBefore);
      }),
      { numRuns: 60 },
    );
  });

  it("a cluster that could not be better is left alone, whatever the seed", () => {
    fc.assert(
      fc.property(clusters, fc.integer(), (snapshot, seed) => {
        const best = bestArrangement(smallPart(snapshot));
        expect(rebalance(best, seed)).toMatchObject({ moves: [] });
      }),
      { numRuns: 25 },
    );
  });

  it("what a rebalance says of the score is true of the cluster afterwards", () => {
    fc.assert(
      fc.property(clusters, (snapshot) => {
        const plan = rebalance(snapshot);
        const again = rebalance(afterMoves(snapshot, plan), 2);
        // The sums are kept along the way: thousands of additions leave some 1e-8.
        expect(again.scoreBefore).toBeCloseTo(plan.scoreAfter, 6);
      }),
      { numRuns: 40 },
    );
  });

  it("a plan depends on the snapshot and the seed, not on the order in which it is written", () => {
    fc.assert(
      fc.property(clusters, (snapshot) => {
        const turned = {
          ...snapshot,
          hosts: snapshot.hosts.toReversed(),
          vms: snapshot.vms.toReversed(),
        };
        expect(rebalance(turned)).toEqual(rebalance(snapshot));
        const [host] = snapshot.hosts;
        if (host !== undefined) {
          expect(planDrain(turned, [host.id])).toEqual(planDrain(snapshot, [host.id]));
        }
      }),
      { numRuns: 30 },
    );
  });

  it("a drain keeps every rule and leaves only what it names", () => {
    fc.assert(
      fc.property(clusters, (snapshot) => {
        for (const { id } of snapshot.hosts) {
          const plan = planDrain(snapshot, [id]);
          expect(brokenAlongTheWay(snapshot, plan.moves)).toEqual([]);
          const left = afterMoves(snapshot, plan).vms.filter((vm) => vm.hostId === id);
          expect(left.map((vm) => vm.id).sort()).toEqual(plan.stuck.map(({ vmId }) => vmId).sort());
          expect(plan.moves.some((move) => move.toHostId === id)).toBe(false);
        }
      }),
    );
  });

  it("draining and then returning restores every home", () => {
    fc.assert(
      fc.property(clusters, (snapshot) => {
        // Copies of volumes are not given back by a plan, so this law is about shared storage.
        const shared = {
          ...snapshot,
          vms: snapshot.vms.map((vm) => ({
            ...vm,
            disks: vm.disks?.filter((disk) => disk.storage === "nfs") ?? [],
          })),
        };
        for (const { id } of shared.hosts) {
          const drained = afterMoves(shared, planDrain(shared, [id]));
          const back = planReturnHome(drained);
          expect(brokenAlongTheWay(drained, back.moves)).toEqual([]);
          expect(afterMoves(drained, back)).toEqual(shared);
        }
      }),
    );
  });

  it("a recovery restarts VMs by the rules or says why not", () => {
    fc.assert(
      fc.property(clusters, (snapshot) => {
        for (const { id } of snapshot.hosts) {
          const plan = planRecovery(snapshot, [id]);
          const onHost = snapshot.vms.filter((vm) => vm.hostId === id).map((vm) => vm.id);
          const named = [...plan.moves, ...plan.stuck].map(({ vmId }) => vmId);
          expect(named.sort()).toEqual(onHost.sort());
          expect(brokenAlongTheWay(snapshot, plan.moves)).toEqual([]);
        }
      }),
    );
  });

  it("a consolidation empties whole hosts by the rules", () => {
    fc.assert(
      fc.property(clusters, (snapshot) => {
        let current = snapshot;
        for (const { hostId, plan } of planConsolidation(snapshot).emptied) {
          expect(brokenAlongTheWay(current, plan.moves)).toEqual([]);
          current = afterMoves(current, plan);
          expect(current.vms.some((vm) => vm.hostId === hostId)).toBe(false);
        }
      }),
    );
  });

  it("a rolling plan takes every host once, and each group can be empty at once", () => {
    fc.assert(
      fc.property(clusters, (snapshot) => {
        const { groups, blocked } = planRolling(snapshot);
        const named = [
          ...groups.flatMap(({ hostIds }) => hostIds),
          ...blocked.map((b) => b.hostId),
        ];
        expect(named.sort()).toEqual(snapshot.hosts.map(({ id }) => id).sort());
        for (const { hostIds, plan } of groups) {
          expect(brokenAlongTheWay(snapshot, plan.moves)).toEqual([]);
          const after = afterMoves(snapshot, plan);
          expect(after.vms.some((vm) => hostIds.includes(vm.hostId ?? ""))).toBe(false);
        }
      }),
    );
  });
});
