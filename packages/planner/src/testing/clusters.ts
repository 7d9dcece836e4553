/** Random small clusters where almost everything is nearly full, for properties. */
import fc from "fast-check";
import { openPlanner } from "../place.ts";
import type { GroupRule, HostSnapshot, PlaceRequest, Snapshot } from "../snapshot.ts";
import { GiB, aHost, aRequest, aSnapshot, aVm } from "./builders.ts";

const name = (prefix: string, count: number) =>
  fc.integer({ min: 0, max: count - 1 }).map((index) => `${prefix}${index}`);
const names = (prefix: string, count: number) => fc.uniqueArray(name(prefix, count));

/** @param open true for clusters in which every host takes VMs. */
export const someHosts = (open: boolean): fc.Arbitrary<readonly HostSnapshot[]> =>
  fc
    .array(
      fc.record({
        state: open
          ? fc.constant("online" as const)
          : fc.constantFrom("online", "online", "unknown" as const),
        cordoned: open ? fc.constant(false) : fc.boolean(),
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

export const someRules: readonly GroupRule[] = [
  {
    name: "two-a-rack",
    group: "group0",
    mode: "spread",
    strength: "required",
    level: "rack",
    max: 2,
  },
  { name: "together", group: "group1", mode: "pack", strength: "required", level: "rack" },
];

export const someRequests: fc.Arbitrary<readonly PlaceRequest[]> = fc
  .array(shape, { minLength: 1, maxLength: 30 })
  .map((shapes) => shapes.map((fields, index) => aRequest({ ...fields, id: `n${index}` })));

/** VMs placed by the rules one after the other, on hosts that are as they are. */
export const someClusters = (open: boolean): fc.Arbitrary<Snapshot> =>
  fc.tuple(someHosts(open), someRequests).map(([hosts, asked]) => {
    const planner = openPlanner(aSnapshot({ hosts, rules: someRules }));
    const vms = asked.flatMap(({ vm }) => {
      const answer = planner.placeAndClaim({ vm });
      return answer.ok
        ? [aVm(vm.id, { ...vm, hostId: answer.hostId, homeHostId: answer.hostId })]
        : [];
    });
    return aSnapshot({ hosts, rules: someRules, vms });
  });
