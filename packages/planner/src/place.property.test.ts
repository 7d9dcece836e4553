/** Laws of placement, on random small clusters where almost everything is nearly full. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openPlanner, place, whyNot } from "./place.ts";
import type { Snapshot } from "./snapshot.ts";
import { GiB, aRequest, aSnapshot } from "./testing/builders.ts";
import { someClusters, someHosts, someRequests, someRules } from "./testing/clusters.ts";
import { brokenLimits, type Resident } from "./testing/referee.ts";

const clusters = someClusters(false);
const requests = someRequests.map(([first]) => ({
  vm: { ...(first ?? aRequest()).vm, id: "asked" },
}));

describe("placement", () => {
  it("never breaks a limit or a required rule, however many requests come in a row", () => {
    fc.assert(
      fc.property(someHosts(false), someRequests, (hosts, asked) => {
        const snapshot = aSnapshot({ hosts, rules: someRules });
        const planner = openPlanner(snapshot);
        const residents = new Map<string, Resident[]>();
        for (const request of asked) {
          const answer = planner.placeAndClaim(request);
          if (!answer.ok) continue;
          const host = hosts.find(({ id }) => id === answer.hostId);
          expect(host).toMatchObject({ state: "online", cordoned: false });
          residents.set(answer.hostId, [...(residents.get(answer.hostId) ?? []), request.vm]);
        }
        expect(brokenLimits(snapshot, residents)).toEqual([]);
      }),
    );
  });

  it("a host has refusals if and only if the VM cannot be claimed there", () => {
    fc.assert(
      fc.property(clusters, requests, (snapshot, request) => {
        const planner = openPlanner(snapshot);
        const answer = planner.place(request);
        const possible = snapshot.hosts.filter(
          ({ id }) => planner.whyNot(request, id).length === 0,
        );
        expect(answer.ok).toBe(possible.length > 0);
        expect(answer.ok ? answer.feasible : 0).toBe(possible.length);
        for (const { id } of snapshot.hosts) {
          const claim = () => openPlanner(snapshot).claim(request, id);
          if (possible.some((host) => host.id === id)) expect(claim).not.toThrow();
          else expect(claim).toThrow();
          expect(planner.fits(request, id)).toBe(possible.some((host) => host.id === id));
        }
      }),
    );
  });

  it("depends on the snapshot, not on the order in which it is written", () => {
    fc.assert(
      fc.property(clusters, requests, (snapshot, request) => {
        const turned: Snapshot = {
          ...snapshot,
          hosts: snapshot.hosts.toReversed(),
          vms: snapshot.vms.toReversed(),
          rules: someRules.toReversed(),
        };
        expect(place(turned, request)).toEqual(place(snapshot, request));
      }),
    );
  });

  it("asking leaves no trace", () => {
    fc.assert(
      fc.property(clusters, someRequests, (snapshot, asked) => {
        const planner = openPlanner(snapshot);
        const before = asked.map((request) => planner.place(request));
        for (const vm of snapshot.vms) planner.place({ vm, fromHostId: vm.hostId ?? "" });
        expect(asked.map((request) => planner.place(request))).toEqual(before);
      }),
    );
  });

  it("decides the same quietly", () => {
    fc.assert(
      fc.property(clusters, requests, (snapshot, request) => {
        const answer = place(snapshot, request);
        const hostId = openPlanner(snapshot).placeQuietly(request);
        expect(hostId).toBe(answer.ok ? answer.hostId : undefined);
      }),
    );
  });

  it("more capacity never makes a placement impossible", () => {
    fc.assert(
      fc.property(clusters, requests, (snapshot, request) => {
        const larger: Snapshot = {
          ...snapshot,
          hosts: snapshot.hosts.map((host) => ({
            ...host,
            capacity: {
              ...host.capacity,
              cpus: host.capacity.cpus + 1,
              memoryBytes: host.capacity.memoryBytes + GiB,
            },
          })),
        };
        for (const { id } of snapshot.hosts) {
          if (whyNot(snapshot, request, id).length === 0) {
            expect(whyNot(larger, request, id)).toEqual([]);
          }
        }
      }),
    );
  });
});
