/** Goal: what the search is told of a change is true of it. Method: random changes on small, nearly full clusters. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { someClusters } from "../testing/clusters.ts";
import { brokenAt } from "../testing/referee.ts";
import type { Snapshot } from "../snapshot.ts";
import { Annealer } from "./anneal.ts";
import { Assignment } from "./assignment.ts";
import { DEFAULT_BALANCE_WEIGHTS, problemFrom } from "./from-snapshot.ts";
import { SeededRandom } from "./random.ts";

const clusters = someClusters(true);

const open = (snapshot: Snapshot) => {
  const found = problemFrom(snapshot, DEFAULT_BALANCE_WEIGHTS);
  return { ...found, assignment: new Assignment(found.problem) };
};

/** The cost of who is where now, with nothing left of how it came about. */
function costAfresh(assignment: Assignment): number {
  const other = new Assignment(assignment.problem);
  assignment.hostOf.forEach((host, vm) => {
    other.move(vm, host);
  });
  other.recompute();
  return other.cost;
}

function arranged(snapshot: Snapshot, search: ReturnType<typeof open>): Snapshot {
  const hostOf = new Map(
    search.vms.map((vm, index) => [
      vm.id,
      search.hostIds[search.assignment.hostOf[index] ?? 0] ?? "",
    ]),
  );
  const vms = snapshot.vms.map((vm) => ({ ...vm, hostId: hostOf.get(vm.id) ?? vm.hostId ?? "" }));
  return { ...snapshot, vms };
}

describe("the search's state", () => {
  it("foretells what a move, a swap and a return cost", () => {
    fc.assert(
      fc.property(clusters, fc.integer(), (snapshot, seed) => {
        const { assignment } = open(snapshot);
        const random = new SeededRandom(seed);
        if (assignment.vmCount < 2) return;
        for (let step = 0; step < 40; step++) {
          const vm = random.below(assignment.vmCount);
          const other = random.below(assignment.vmCount);
          const host = random.below(assignment.hostCount);
          const before = assignment.cost;
          const from = assignment.hostOf[vm] ?? 0;
          const to = assignment.hostOf[other] ?? 0;
          if (step % 3 === 0 && host !== from) {
            const change = assignment.moveChange(vm, host);
            if (change === Infinity) continue;
            assignment.move(vm, host);
            expect(assignment.cost - before).toBeCloseTo(change, 6);
          } else if (step % 3 === 1 && from !== to) {
            const change = assignment.swapChange(vm, other);
            if (change === Infinity) continue;
            assignment.move(vm, to);
            assignment.move(other, from);
            expect(assignment.cost - before).toBeCloseTo(change, 6);
          } else {
            assignment.take(vm);
            const without = assignment.cost;
            const change = assignment.joinChange(vm, host);
            assignment.put(vm, change === Infinity ? from : host);
            if (change !== Infinity) expect(assignment.cost - without).toBeCloseTo(change, 6);
          }
          expect(assignment.cost).toBeCloseTo(costAfresh(assignment), 6);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("a search that takes VMs out keeps its allowance, and breaks no rule that held", () => {
    fc.assert(
      fc.property(clusters, fc.integer({ min: 1, max: 6 }), (snapshot, movesMax) => {
        const search = open(snapshot);
        const options = { movesMax, evaluationsMax: 3000, seed: 1, recreateShare: 0.8, pull: 1 };
        new Annealer(search.assignment, options).run(options);
        const { assignment } = search;
        expect(assignment.hostOf.includes(-1)).toBe(false);
        expect(assignment.movedCount).toBeLessThanOrEqual(movesMax);
        expect(assignment.cost).toBeLessThanOrEqual(assignment.startCost + 1e-9);
        const before = new Set(brokenAt(snapshot));
        // Volumes are not moved in this arrangement: the order of moves is where their room is judged.
        const broken = brokenAt(arranged(snapshot, search)).filter((what) => !before.has(what));
        expect(broken).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});
