/** Goal: claims make way for free, and only when every one of them still has a place. */
import { GIB } from "@muster/model";
import type { ClaimSnapshot, Snapshot } from "@muster/planner";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { moveClaimsOff, placeAmongClaims } from "./yielding-claims.ts";

const cluster = (memoryGib: readonly number[], claims: readonly ClaimSnapshot[]): Snapshot => ({
  version: 1,
  hosts: memoryGib.map((gib, index) => ({
    id: `h${String(index + 1)}`,
    name: `h${String(index + 1)}`,
    state: "online",
    cordoned: false,
    capacity: { cpus: 64, memoryBytes: BigInt(gib) * GIB },
  })),
  vms: [],
  claims,
});

const claim = (id: string, hostId: string, gib: number): ClaimSnapshot => ({
  vmId: id,
  hostId,
  cpus: 1,
  memoryBytes: BigInt(gib) * GIB,
});

const wanted = (gib: number) => ({
  vm: { id: "new", name: "new", cpus: 1, memoryBytes: BigInt(gib) * GIB },
});

describe("claims that wait", () => {
  it("stay where they are when the VM fits beside them", () => {
    const { answer, yielded } = placeAmongClaims(
      cluster([8, 8], [claim("c1", "h1", 2)]),
      wanted(4),
    );
    expect([answer.ok, yielded]).toEqual([true, []]);
  });

  it("make way when that is the only way", () => {
    // Only h1 can take it, and a claim that would fit on h2 is in its way.
    const snapshot = cluster([8, 4], [claim("c1", "h1", 2)]);
    const { answer, yielded } = placeAmongClaims(snapshot, wanted(7));
    expect(answer).toMatchObject({ ok: true, hostId: "h1" });
    expect(yielded).toEqual([{ claimId: "c1", toHostId: "h2" }]);
  });

  it("keep their room when there is no elsewhere", () => {
    const { answer, yielded } = placeAmongClaims(
      cluster([8, 1], [claim("c1", "h1", 2)]),
      wanted(7),
    );
    expect([answer.ok, yielded]).toEqual([false, []]);
  });

  it("leave a host that is emptied, those that can", () => {
    const claims = [claim("c1", "h1", 2), claim("c2", "h1", 3), claim("c3", "h2", 1)];
    expect(moveClaimsOff(cluster([8, 4], claims), new Set(["h1"]))).toEqual([
      { claimId: "c1", toHostId: "h2" },
    ]);
  });

  it("never exceed any host, whatever is asked", () => {
    const gib = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 4, max: 12 }), { minLength: 1, maxLength: 4 }),
        fc.array(gib, { maxLength: 6 }),
        gib,
        (hosts, sizes, asked) => {
          const free = [...hosts];
          const claims = sizes.flatMap((size, index) => {
            const host = free.findIndex((left) => left >= size);
            if (host < 0) return [];
            free[host] = (free[host] ?? 0) - size;
            return [claim(`c${String(index)}`, `h${String(host + 1)}`, size)];
          });
          const { answer, yielded } = placeAmongClaims(cluster(hosts, claims), wanted(asked));
          if (!answer.ok) {
            expect(yielded).toEqual([]);
            return;
          }
          const to = new Map(yielded.map(({ claimId, toHostId }) => [claimId, toHostId]));
          const used = new Map<string, number>([[answer.hostId, asked]]);
          for (const { vmId, hostId, memoryBytes } of claims) {
            const at = to.get(vmId) ?? hostId;
            used.set(at, (used.get(at) ?? 0) + Number(memoryBytes / GIB));
          }
          hosts.forEach((size, index) => {
            expect(used.get(`h${String(index + 1)}`) ?? 0).toBeLessThanOrEqual(size);
          });
        },
      ),
      { numRuns: 300 },
    );
  });
});
