/**
 * Goal: ten thousand requests at once never break a rule. Method: many are decided on the same accounts before
 * any of them is claimed, so that most claims come too late for what they were told; a referee counts again.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openPlanner } from "./place.ts";
import { SeededRandom } from "./search/random.ts";
import type { PlaceRequest } from "./snapshot.ts";
import { GiB, aHost, aRequest, aSnapshot } from "./testing/builders.ts";
import { someRules } from "./testing/clusters.ts";
import { brokenLimits, type Resident } from "./testing/referee.ts";

const REQUESTS = 10_000;
/** Decisions made before the first of them is claimed. */
const AT_ONCE = 100;

const hosts = Array.from({ length: 40 }, (_, index) =>
  aHost(`h${index}`, {
    failureDomain: ["site", "row", `rack${index % 4}`],
    storages: [{ name: "nfs", freeBytes: 60_000n * GiB, shared: true }],
    capacity: { cpus: 156, memoryBytes: 1120n * GiB, vmsMax: 300 },
  }),
);

function crowd(seed: number): readonly PlaceRequest[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: REQUESTS }, (_, index) =>
    aRequest({
      id: `n${index}`,
      cpus: 1 + random.below(4),
      memoryBytes: BigInt(1 + random.below(8)) * GiB,
      groups: random.below(100) === 0 ? ["group0"] : [],
      antiAffinity: random.below(50) === 0 ? ["apart"] : [],
      disks: [{ storage: "nfs", sizeBytes: BigInt(1 + random.below(9)) * GiB }],
    }),
  );
}

describe("a crowd of requests", () => {
  it("never breaks a rule, and every refusal has its reasons", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const snapshot = aSnapshot({ hosts, rules: someRules });
        const planner = openPlanner(snapshot);
        const residents = new Map<string, Resident[]>();
        const requests = crowd(seed);
        let late = 0;
        let refused = 0;
        for (let from = 0; from < REQUESTS; from += AT_ONCE) {
          const batch = requests.slice(from, from + AT_ONCE);
          const told = batch.map((request) => ({ request, answer: planner.place(request) }));
          for (const { request, answer } of told) {
            let hostId = answer.ok ? answer.hostId : undefined;
            if (hostId !== undefined && !planner.fits(request, hostId)) {
              late++;
              expect(() => planner.claim(request, answer.ok ? answer.hostId : "")).toThrow();
              const again = planner.place(request);
              hostId = again.ok ? again.hostId : undefined;
            }
            if (hostId === undefined) {
              refused++;
              continue;
            }
            planner.claim(request, hostId);
            residents.set(hostId, [...(residents.get(hostId) ?? []), request.vm]);
          }
        }
        expect(brokenLimits(snapshot, residents)).toEqual([]);
        expect(Math.min(late, refused)).toBeGreaterThan(0);
      }),
      { numRuns: 1 },
    );
  }, 60_000);
});
