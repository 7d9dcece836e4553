/** Goal: accounts that follow a cluster answer as ones that are opened afresh. Method: random histories, both asked. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PlannerFollower } from "./follower.ts";
import { openPlanner } from "./place.ts";
import type { Snapshot } from "./snapshot.ts";
import { GiB, aVm } from "./testing/builders.ts";
import { someClusters, someRequests } from "./testing/clusters.ts";

const edit = fc.record({
  kind: fc.constantFrom(
    "gone",
    "come",
    "grow",
    "claim",
    "unclaim",
    "arrive",
    "foreign",
    "measured",
    "space",
    "cordon",
    "rule",
  ),
  which: fc.nat(),
  host: fc.nat(),
  amount: fc.integer({ min: 0, max: 5 }),
});
type Edit = typeof edit extends fc.Arbitrary<infer Value> ? Value : never;

/** What happens to clusters, rules or no rules: accounts must bear what is overfull too. */
function after(snapshot: Snapshot, { kind, which, host, amount }: Edit): Snapshot {
  const { hosts, vms, claims } = snapshot;
  const at = hosts[host % hosts.length];
  const vm = vms.length === 0 ? undefined : vms[which % vms.length];
  if (at === undefined) return snapshot;
  const bytes = BigInt(amount) * GiB;
  const withHost = (fields: object): Snapshot => ({
    ...snapshot,
    hosts: hosts.map((each) => (each === at ? { ...each, ...fields } : each)),
  });
  const withVm = (fields: object): Snapshot => ({
    ...snapshot,
    vms: vms.map((each) => (each === vm ? { ...each, ...fields } : each)),
  });
  switch (kind) {
    case "gone":
      // The last takes the place of the one that goes, as in the coordinator.
      return { ...snapshot, vms: [...vms.slice(0, -1)].filter((each) => each !== vm) };
    case "come": {
      const id = `come-${which % 100}`;
      if (vms.some((each) => each.id === id)) return snapshot;
      const come = aVm(id, { hostId: at.id, memoryBytes: bytes + GiB, groups: ["group0"] });
      return { ...snapshot, vms: [...vms, come] };
    }
    case "grow":
      return withVm({ memoryBytes: bytes + GiB });
    case "claim":
      if (vm === undefined) return snapshot;
      return { ...snapshot, claims: [...claims, { ...vm, vmId: vm.id, hostId: at.id }] };
    case "unclaim":
      return { ...snapshot, claims: claims.slice(1) };
    case "arrive":
      return { ...withVm({ hostId: at.id }), claims: claims.filter(({ vmId }) => vmId !== vm?.id) };
    case "foreign":
      return withHost({ foreign: { cpus: amount, memoryBytes: bytes } });
    case "measured":
      return withHost({ measured: { cpu: amount / 5, memory: 0.5 } });
    case "space":
      return withHost({
        storages: at.storages?.map((storage) => ({ ...storage, freeBytes: bytes })),
      });
    case "cordon":
      return withHost({ cordoned: amount > 2 });
    case "rule":
      return { ...snapshot, rules: amount > 2 ? [] : (snapshot.rules ?? []) };
  }
}

const histories = fc.tuple(someClusters(false), fc.array(edit, { maxLength: 12 }), someRequests);

describe("accounts that follow", () => {
  it("answer as ones that are opened afresh, after any history", () => {
    fc.assert(
      fc.property(histories, ([start, edits, requests]) => {
        const follower = new PlannerFollower();
        let snapshot = start;
        for (const [index, each] of [undefined, ...edits].entries()) {
          if (each !== undefined) snapshot = after(snapshot, each);
          const request = requests[index % requests.length];
          if (request === undefined) return;
          const kept = follower.follow(snapshot);
          const fresh = openPlanner(snapshot);
          expect(kept.place(request)).toEqual(fresh.place(request));
          for (const { id } of snapshot.hosts) {
            expect(kept.whyNot(request, id)).toEqual(fresh.whyNot(request, id));
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("place nothing where a failure would not be survived, though they remember other rehearsals", () => {
    fc.assert(
      fc.property(histories, ([cluster, edits, requests]) => {
        const follower = new PlannerFollower();
        let snapshot: Snapshot = {
          ...cluster,
          policy: { survive: { level: "host", count: 1 } },
        };
        const placed: Edit["kind"][] = ["gone", "claim", "unclaim", "arrive"];
        for (const each of edits.filter(({ kind }) => placed.includes(kind))) {
          snapshot = after(snapshot, each);
          const kept = follower.follow(snapshot);
          const [wanted] = requests;
          if (wanted === undefined) return;
          const request = { vm: { ...wanted.vm, id: "fresh" } };
          if ((kept.usage.survival?.broken().length ?? 0) > 0) continue;
          const answer = kept.place(request);
          if (!answer.ok) continue;
          kept.claim(request, answer.hostId);
          expect(kept.usage.survival?.broken()).toEqual([]);
          kept.release(request.vm.id, answer.hostId);
        }
      }),
      { numRuns: 100 },
    );
  });
});
