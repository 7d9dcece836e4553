/** Goal: what is asked of many hosts at once says what is asked of each. Method: nearly full clusters, both ways. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileWant } from "./compile.ts";
import { filters } from "./filters/index.ts";
import { openPlanner } from "./place.ts";
import { scorers } from "./scorers/index.ts";
import type { Snapshot } from "./snapshot.ts";
import { someClusters, someRequests } from "./testing/clusters.ts";

const questions = fc.tuple(someClusters(false), someRequests).map(([cluster, requests]) => {
  const hosts = cluster.hosts.map((host, index) => ({
    ...host,
    measured: { cpu: index / 10, memory: 0.3, ioPressure: index % 2 },
  }));
  const rules = (cluster.rules ?? []).flatMap((rule) => [
    rule,
    { ...rule, name: `${rule.name}-wished`, strength: "preferred" as const },
  ]);
  // What a VM of the cluster takes itself is not in its way, and would have to be taken off first.
  const fresh = requests.map(({ vm }) => ({ vm: { ...vm, id: `fresh-${vm.id}` } }));
  return { snapshot: { ...cluster, hosts, rules } satisfies Snapshot, requests: fresh };
});

describe("many hosts at once", () => {
  it("pass a rule when each of them does, in their order", () => {
    fc.assert(
      fc.property(questions, ({ snapshot, requests }) => {
        const { usage } = openPlanner(snapshot);
        const all = Int32Array.from(usage.hosts, (_, host) => host);
        for (const request of requests) {
          for (const volumesHost of [-1, 0]) {
            const want = compileWant(usage, request, volumesHost);
            for (const filter of filters) {
              if (filter.sieve === undefined || !filter.applies(usage, want)) continue;
              const hosts = Int32Array.from(all);
              const kept = filter.sieve(usage, want, hosts);
              const passing = [...all].filter((host) => filter.passes(usage, want, host));
              expect([...hosts.subarray(0, kept)], filter.name).toEqual(passing);
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it("cost what each of them does", () => {
    fc.assert(
      fc.property(questions, ({ snapshot, requests }) => {
        const { usage } = openPlanner(snapshot);
        // Nobody scores a host that is not online.
        const candidates = Int32Array.from(usage.hosts.keys()).filter(
          (host) => usage.online[host] === 1,
        );
        for (const request of requests) {
          const want = compileWant(usage, request, -1);
          for (const scorer of scorers) {
            if (scorer.addCosts === undefined || !scorer.applies(usage, want)) continue;
            const scores = new Float64Array(candidates.length);
            scorer.addCosts(usage, want, { candidates, scores, weight: 2 });
            candidates.forEach((host, index) => {
              expect(scores[index], scorer.name).toBeCloseTo(2 * scorer.cost(usage, want, host), 9);
            });
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it("are refused by a rule if and only if it does not let them pass, with reasons", () => {
    fc.assert(
      fc.property(questions, ({ snapshot, requests }) => {
        const planner = openPlanner(snapshot);
        const { usage } = planner;
        for (const request of requests.slice(0, 5)) {
          const answer = planner.place(request);
          if (answer.ok) continue;
          const want = compileWant(usage, request, -1);
          for (const { hostId, refusals } of answer.refusals) {
            const host = usage.hostIndexById.get(hostId) ?? -1;
            const failing = filters
              .filter((filter) => filter.applies(usage, want) && !filter.passes(usage, want, host))
              .map(({ name }) => name);
            expect([...new Set(refusals.map(({ check }) => check))]).toEqual(failing);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
