/** Random small clusters where almost everything is nearly full, for properties. */
import fc from "fast-check";
import { openPlanner } from "../place.ts";
import type { GroupRule, HostSnapshot, PlaceRequest, Snapshot } from "../snapshot.ts";
import { GiB, aHost, aRequest, aSnapshot, aVm } from "./builders.ts";

const name = (prefix: string, count: number) =>
  fc.integer({ min: 0, max: count - 1 }).map((index) => `${prefix}${index}`);
/** Usually none: a rule that binds everything leaves nothing to decide. */
const seldom = (prefix: string, count: number) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<string[]>([]) },
    { weight: 1, arbitrary: name(prefix, count).map((one) => [one]) },
  );

/** @param open true for clusters in which every host takes VMs. */
export const someHosts = (open: boolean): fc.Arbitrary<readonly HostSnapshot[]> =>
  fc
    .array(
      fc.record({
        state: open
          ? fc.constant("online" as const)
          : fc.constantFrom("online", "online", "unknown" as const),
        cordoned: open ? fc.constant(false) : fc.boolean(),
        networks: fc.subarray(["net0", "net1", "net2"], { minLength: 2 }),
        cpus: fc.integer({ min: 2, max: 10 }),
        memoryGiB: fc.integer({ min: 4, max: 16 }),
        freeGiB: fc.integer({ min: 0, max: 30 }),
        sharedGiB: fc.integer({ min: 10, max: 100 }),
        rack: name("rack", 2),
      }),
      { minLength: 2, maxLength: 5, size: "max" },
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
  cpus: fc.integer({ min: 1, max: 3 }),
  memoryBytes: fc.integer({ min: 1, max: 6 }).map((count) => BigInt(count) * GiB),
  networks: name("net", 3).map((one) => [one]),
  antiAffinity: seldom("apart", 2),
  groups: seldom("group", 2),
  disks: fc.array(
    fc.record({
      storage: fc.constantFrom("local", "nfs"),
      sizeBytes: fc.integer({ min: 1, max: 9 }).map((count) => BigInt(count) * GiB),
    }),
    { maxLength: 1 },
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
  .array(shape, { minLength: 4, maxLength: 30, size: "max" })
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
