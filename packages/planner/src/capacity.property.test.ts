/** Goal: what capacity counts is what could be placed. Method: the count put in place, and judged from outside. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { capacity } from "./capacity.ts";
import { openPlanner } from "./place.ts";
import type { Snapshot, VmShape } from "./snapshot.ts";
import { aRequest, aVm } from "./testing/builders.ts";
import { someClusters, someRequests } from "./testing/clusters.ts";
import { brokenAt } from "./testing/referee.ts";

const shapes = someRequests.map((requests): VmShape => {
  const { id: _id, name: _name, ...shape } = (requests[0] ?? aRequest({})).vm;
  return shape;
});

/** The snapshot with as many VMs of the shape as were counted, where they were counted. */
function withCounted(snapshot: Snapshot, shape: VmShape): Snapshot {
  const { byHost } = capacity(snapshot, [shape], { countMax: 200 });
  const added = byHost.flatMap(({ hostId, count }) =>
    Array.from({ length: count }, (_, index) =>
      aVm(`more-${hostId}-${index}`, { ...shape, hostId }),
    ),
  );
  return { ...snapshot, vms: [...snapshot.vms, ...added] };
}

describe("capacity", () => {
  it("breaks no rule, and leaves no room for another", () => {
    fc.assert(
      fc.property(someClusters(true), shapes, (snapshot, shape) => {
        // Volumes take room when they are made, which a snapshot does not show before.
        const dry = { ...shape, disks: [] };
        const full = withCounted(snapshot, dry);
        const before = new Set(brokenAt(snapshot));
        expect(brokenAt(full).filter((what) => !before.has(what))).toEqual([]);
        expect(
          openPlanner(full).place({ vm: { ...dry, id: "one-more", name: "one-more" } }).ok,
        ).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});
