/** "Every host may fail" as a hard rule: what it keeps free, what it refuses, and that it stays true. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MoveBook } from "./move-book.ts";
import { openPlanner, place, whyNot } from "./place.ts";
import { planRebalance } from "./rebalance.ts";
import type { HostSnapshot, Snapshot, VmSnapshot } from "./snapshot.ts";
import { GiB, aHost, aRequest, aSnapshot, aVm } from "./testing/builders.ts";
import { someClusters } from "./testing/clusters.ts";

const anyHostMayFail = { survive: { level: "host", count: 1 } } as const;

const twoHosts = (vms: readonly VmSnapshot[], fields: Partial<Snapshot> = {}): Snapshot =>
  aSnapshot({ hosts: [aHost("h1"), aHost("h2")], vms, policy: anyHostMayFail, ...fields });

describe("surviving the loss of a host", () => {
  it("keeps the room that a neighbour's VMs would need", () => {
    const snapshot = aSnapshot({
      hosts: [aHost("h1"), aHost("h2"), aHost("h3")],
      vms: [
        aVm("v1", { hostId: "h1", memoryBytes: 10n * GiB }),
        aVm("v3", { hostId: "h3", memoryBytes: 8n * GiB }),
      ],
      policy: anyHostMayFail,
    });
    expect(whyNot(snapshot, aRequest({ memoryBytes: 6n * GiB }), "h2")).toEqual([]);
    expect(whyNot(snapshot, aRequest({ memoryBytes: 7n * GiB }), "h2")).toEqual([
      {
        check: "survives-failure",
        level: "host",
        count: 1,
        domain: "h1",
        stranded: "v1",
        strandedCpus: 1,
        strandedMemoryMiB: 10240,
      },
    ]);
  });

  it("refuses to put more on a host than the others could take over", () => {
    const snapshot = twoHosts([aVm("v1", { hostId: "h1", memoryBytes: 10n * GiB })]);
    expect(whyNot(snapshot, aRequest({ memoryBytes: 6n * GiB }), "h1")).toEqual([]);
    const large = twoHosts([
      aVm("v1", { hostId: "h1", memoryBytes: 10n * GiB }),
      aVm("v2", { hostId: "h2", memoryBytes: 5n * GiB }),
    ]);
    expect(whyNot(large, aRequest({ memoryBytes: 2n * GiB }), "h1")).toMatchObject([
      { check: "survives-failure", domain: "h1" },
    ]);
  });

  it("a host that is not survived now does not stop placements elsewhere", () => {
    const hosts = [aHost("h1", { capacity: { memoryBytes: 64n * GiB } }), aHost("h2"), aHost("h3")];
    const vms = [aVm("giant", { hostId: "h1", memoryBytes: 60n * GiB })];
    const snapshot = aSnapshot({ hosts, vms, policy: anyHostMayFail });
    expect(whyNot(snapshot, aRequest(), "h2")).toEqual([]);
    expect(whyNot(snapshot, aRequest(), "h1")).toMatchObject([
      { check: "survives-failure", stranded: "giant" },
    ]);
  });

  it("a VM tied to a host has accepted to be down with it", () => {
    const vms = [aVm("tied", { hostId: "h1", memoryBytes: 16n * GiB, pinnedTo: ["h1"] })];
    expect(whyNot(twoHosts(vms), aRequest({ memoryBytes: 16n * GiB }), "h2")).toMatchObject([
      { check: "survives-failure", domain: "h2", stranded: "new" },
    ]);
    expect(openPlanner(twoHosts(vms)).usage.survival?.broken()).toEqual([]);
  });

  it("counts racks where the policy speaks of racks", () => {
    const hosts = ["a", "a", "b", "b"].map((rack, index) =>
      aHost(`h${index + 1}`, { failureDomain: ["site", "row", rack] }),
    );
    const policy = { survive: { level: "rack", count: 1 } };
    const vms = ["h1", "h2"].map((hostId) =>
      aVm(`on-${hostId}`, { hostId, memoryBytes: 12n * GiB }),
    );
    const snapshot = aSnapshot({ hosts, vms, policy });
    expect(whyNot(snapshot, aRequest({ memoryBytes: 4n * GiB }), "h3")).toEqual([]);
    expect(whyNot(snapshot, aRequest({ memoryBytes: 5n * GiB }), "h3")).toMatchObject([
      { check: "survives-failure", level: "rack", domain: "site/row/b", stranded: "new" },
    ]);
  });

  const clusters = fc.record({
    sizes: fc.array(fc.integer({ min: 4, max: 24 }), { minLength: 2, maxLength: 4 }),
    wanted: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 40 }),
    leaving: fc.array(fc.nat({ max: 39 }), { maxLength: 10 }),
  });

  it("holds after every placement, and for what is left after some have gone", () => {
    fc.assert(
      fc.property(clusters, ({ sizes, wanted, leaving }) => {
        const hosts = sizes.map((size, index) =>
          aHost(`h${index}`, { capacity: { cpus: 64, memoryBytes: BigInt(size) * GiB } }),
        );
        const planner = openPlanner(aSnapshot({ hosts, policy: anyHostMayFail }));
        const placed = new Map<string, { hostId: string; size: number }>();
        const check = () => {
          expect(planner.usage.survival?.broken()).toEqual([]);
          for (const lost of hosts)
            expect(canTakeOver(hosts, lost, [...placed.values()])).toBe(true);
        };
        wanted.forEach((size, index) => {
          const id = `v${index}`;
          const answer = planner.placeAndClaim(aRequest({ id, memoryBytes: BigInt(size) * GiB }));
          if (answer.ok) placed.set(id, { hostId: answer.hostId, size });
          check();
        });
        for (const index of leaving) {
          const gone = placed.get(`v${index}`);
          if (gone === undefined) continue;
          planner.release(`v${index}`, gone.hostId);
          placed.delete(`v${index}`);
          check();
        }
      }),
      { numRuns: 50 },
    );
  });

  it("holds after a count of how many more there is room for", () => {
    fc.assert(
      fc.property(clusters, ({ sizes, wanted }) => {
        const hosts = sizes.map((size, index) =>
          aHost(`h${index}`, { capacity: { cpus: 64, memoryBytes: BigInt(size) * GiB } }),
        );
        const planner = openPlanner(aSnapshot({ hosts, policy: anyHostMayFail }));
        const placed: { hostId: string; size: number }[] = [];
        for (const size of wanted) {
          const { vm } = aRequest({ memoryBytes: BigInt(size) * GiB });
          const room = planner.fill(vm, (count) =>
            count < 2 ? `v${placed.length}-${count}` : undefined,
          );
          for (const [hostId, count] of room) {
            for (let i = 0; i < count; i++) placed.push({ hostId, size });
          }
          expect(planner.usage.survival?.broken()).toEqual([]);
          for (const lost of hosts) expect(canTakeOver(hosts, lost, placed)).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("an answer with a policy is one of the answers without", () => {
    fc.assert(
      fc.property(clusters, ({ sizes, wanted }) => {
        const hosts = sizes.map((size, index) =>
          aHost(`h${index}`, { capacity: { cpus: 64, memoryBytes: BigInt(size) * GiB } }),
        );
        const snapshot = aSnapshot({ hosts });
        const request = aRequest({ memoryBytes: BigInt(wanted[0] ?? 1) * GiB });
        const careful = place({ ...snapshot, policy: anyHostMayFail }, request);
        if (careful.ok) expect(whyNot(snapshot, request, careful.hostId)).toEqual([]);
      }),
    );
  });
});

/** By trying every way, from the outside. */
function canTakeOver(
  hosts: readonly HostSnapshot[],
  lost: HostSnapshot,
  placed: readonly { hostId: string; size: number }[],
): boolean {
  const free = hosts
    .filter((host) => host !== lost)
    .map(
      (host) =>
        Number(host.capacity.memoryBytes / GiB) -
        placed.filter(({ hostId }) => hostId === host.id).reduce((sum, { size }) => sum + size, 0),
    );
  const homeless = placed
    .filter(({ hostId }) => hostId === lost.id)
    .map(({ size }) => size)
    .sort((a, b) => b - a);
  const fits = (index: number): boolean => {
    const size = homeless[index];
    if (size === undefined) return true;
    return free.some((room, host) => {
      if (room < size || free.indexOf(room) !== host) return false;
      free[host] = room - size;
      const does = fits(index + 1);
      free[host] = room;
      return does;
    });
  };
  return fits(0);
}

describe("surviving while VMs move", () => {
  it("a rebalance leaves no more failures unsurvived than there were", () => {
    fc.assert(
      fc.property(someClusters(true), (cluster) => {
        const snapshot = { ...cluster, policy: anyHostMayFail };
        const answer = planRebalance(snapshot, {
          evaluationsMax: 2000,
          weights: { perMove: 0, perGiBMoved: 0 },
        });
        if (!answer.ok) throw new Error("nothing moves, so nothing may be refused");
        const book = new MoveBook(snapshot);
        const broken = () => book.planner.usage.survival?.broken().length ?? 0;
        const before = broken();
        for (const move of answer.moves) {
          book.begin(move.vmId, move.toHostId);
          book.end(move.vmId, move.toHostId);
          expect(broken()).toBeLessThanOrEqual(before);
        }
      }),
    );
  });
});
