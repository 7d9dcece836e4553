/** Laws of placement, on random small clusters where almost everything is nearly full. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openPlanner, place, whyNot } from "./place.ts";
import type { HostSnapshot, PlaceRequest, Snapshot } from "./snapshot.ts";
import { GiB, aHost, aRequest, aSnapshot, aVm } from "./testing/builders.ts";

const name = (prefix: string, count: number) =>
  fc.integer({ min: 0, max: count - 1 }).map((index) => `${prefix}${index}`);
const names = (prefix: string, count: number) => fc.uniqueArray(name(prefix, count));

const hosts = fc
  .array(
    fc.record({
      state: fc.constantFrom("online", "online", "online", "unknown" as const),
      cordoned: fc.boolean(),
      networks: names("net", 3),
      cpus: fc.integer({ min: 1, max: 8 }),
      memoryGiB: fc.integer({ min: 1, max: 16 }),
      freeGiB: fc.integer({ min: 0, max: 40 }),
      sharedGiB: fc.integer({ min: 0, max: 60 }),
      rack: name("rack", 2),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((fields) =>
    fields.map(({ cpus, memoryGiB, freeGiB, sharedGiB, rack, ...rest }, index) =>
      aHost(`h${index}`, {
        ...rest,
        failureDomain: ["site", "row", rack],
        storages: [
          { name: "local", freeBytes: BigInt(freeGiB) * GiB, shared: false },
          { name: "nfs", freeBytes: BigInt(sharedGiB) * GiB, shared: true },
        ],
        capacity: { cpus, memoryBytes: BigInt(memoryGiB) * GiB, vmsMax: 6 },
      }),
    ),
  );

const shape = fc.record({
  cpus: fc.integer({ min: 1, max: 4 }),
  memoryBytes: fc.integer({ min: 1, max: 8 }).map((count) => BigInt(count) * GiB),
  networks: names("net", 3).map((list) => list.slice(0, 1)),
  antiAffinity: names("apart", 2).map((list) => list.slice(0, 1)),
  groups: names("group", 2),
  disks: fc.array(
    fc.record({
      storage: fc.constantFrom("local", "nfs"),
      sizeBytes: fc.integer({ min: 1, max: 20 }).map((count) => BigInt(count) * GiB),
    }),
    { maxLength: 2 },
  ),
});

const rules = [
  {
    name: "two-a-rack",
    group: "group0",
    mode: "spread",
    strength: "required",
    level: "rack",
    max: 2,
  },
  { name: "together", group: "group1", mode: "pack", strength: "required", level: "rack" },
] as const;

const requests = fc
  .array(shape, { minLength: 1, maxLength: 30 })
  .map((shapes) => shapes.map((fields, index) => aRequest({ ...fields, id: `n${index}` })));

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

interface Placed {
  readonly request: PlaceRequest;
  readonly host: HostSnapshot;
}

/** Counted again from the outside, with nothing of the planner's own arithmetic. */
function brokenLimits(all: readonly HostSnapshot[], placed: readonly Placed[]): string[] {
  const broken: string[] = [];
  const diskGiB = (entries: readonly Placed[], storage: string) =>
    sum(
      entries
        .flatMap(({ request }) => request.vm.disks ?? [])
        .filter((disk) => disk.storage === storage)
        .map((disk) => Number(disk.sizeBytes / GiB)),
    );
  for (const host of all) {
    const here = placed.filter((entry) => entry.host === host);
    const cpus = sum(here.map(({ request }) => request.vm.cpus));
    const memory = sum(here.map(({ request }) => Number(request.vm.memoryBytes / GiB)));
    const apart = here.flatMap(({ request }) => request.vm.antiAffinity ?? []);
    const local = host.storages?.find((storage) => storage.name === "local");
    if (cpus > host.capacity.cpus) broken.push(`cpus of ${host.id}`);
    if (memory > Number(host.capacity.memoryBytes / GiB)) broken.push(`memory of ${host.id}`);
    if (new Set(apart).size < apart.length) broken.push(`anti-affinity on ${host.id}`);
    if (diskGiB(here, "local") > Number((local?.freeBytes ?? 0n) / GiB)) {
      broken.push(`local storage of ${host.id}`);
    }
    if (here.length > 6) broken.push(`VMs on ${host.id}`);
    if (here.length > 0 && (host.cordoned || host.state !== "online"))
      broken.push(`state of ${host.id}`);
  }
  const shared = all.map((host) => Number((host.storages?.[1]?.freeBytes ?? 0n) / GiB));
  if (diskGiB(placed, "nfs") > Math.min(...shared)) broken.push("shared storage");
  const racksOf = (group: string) =>
    placed
      .filter(({ request }) => request.vm.groups?.includes(group) === true)
      .map(({ host }) => host.failureDomain?.[2]);
  for (const rack of ["rack0", "rack1"]) {
    if (racksOf("group0").filter((found) => found === rack).length > 2) broken.push("two a rack");
  }
  if (new Set(racksOf("group1")).size > 1) broken.push("together");
  return broken;
}

describe("placement", () => {
  it("never breaks a limit or a required rule, however many requests come in a row", () => {
    fc.assert(
      fc.property(hosts, requests, (all, asked) => {
        const planner = openPlanner(aSnapshot({ hosts: all, rules }));
        const placed = asked.flatMap((request): Placed[] => {
          const answer = planner.placeAndClaim(request);
          const host = answer.ok ? all.find(({ id }) => id === answer.hostId) : undefined;
          return host === undefined ? [] : [{ request, host }];
        });
        expect(brokenLimits(all, placed)).toEqual([]);
      }),
    );
  });

  const clusters = fc.tuple(hosts, requests).map(([all, asked]): Snapshot => {
    const planner = openPlanner(aSnapshot({ hosts: all, rules }));
    const vms = asked.slice(0, -1).flatMap((request) => {
      const answer = planner.placeAndClaim(request);
      return answer.ok ? [aVm(request.vm.id, { ...request.vm, hostId: answer.hostId })] : [];
    });
    return aSnapshot({ hosts: all, rules, vms });
  });

  it("a host has refusals if and only if the VM cannot be claimed there", () => {
    fc.assert(
      fc.property(clusters, requests, (snapshot, [request]) => {
        if (request === undefined) return;
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
        }
      }),
    );
  });

  it("depends on the snapshot, not on the order in which it is written", () => {
    fc.assert(
      fc.property(clusters, requests, (snapshot, [request]) => {
        if (request === undefined) return;
        const turned: Snapshot = {
          ...snapshot,
          hosts: snapshot.hosts.toReversed(),
          vms: snapshot.vms.toReversed(),
          rules: rules.toReversed(),
        };
        expect(place(turned, request)).toEqual(place(snapshot, request));
      }),
    );
  });

  it("asking leaves no trace", () => {
    fc.assert(
      fc.property(clusters, requests, (snapshot, asked) => {
        const planner = openPlanner(snapshot);
        const before = asked.map((request) => planner.place(request));
        for (const vm of snapshot.vms) planner.place({ vm, fromHostId: vm.hostId ?? "" });
        expect(asked.map((request) => planner.place(request))).toEqual(before);
      }),
    );
  });

  it("more capacity never makes a placement impossible", () => {
    fc.assert(
      fc.property(clusters, requests, (snapshot, [request]) => {
        if (request === undefined) return;
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
