/** Who probes whom: everybody who has a network, and no split of the hosts goes unseen. */
import type { HostRecord, NetworkRecord } from "@muster/model";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aHost, aNetwork } from "../testing/builders.ts";
import { planProbes } from "./plan-probes.ts";

const hostsOf = (count: number): readonly HostRecord[] =>
  Array.from({ length: count }, (_, index) => aHost(index + 1));
const everywhere = () => true;

const planFor = (count: number, networks: readonly NetworkRecord[] = [aNetwork("blue")]) =>
  planProbes({ hosts: hostsOf(count), networks, shouldHave: everywhere });

/** "h1 h2" where either probes the other. */
function pairsOf(count: number): ReadonlySet<string> {
  const names = new Map(hostsOf(count).map(({ id, name }) => [id, name]));
  const pairs = [...planFor(count)].flatMap(([hostId, assignments]) =>
    assignments.flatMap(({ peers }) =>
      peers.map(({ host }) => [names.get(hostId) ?? "", host].toSorted().join(" ")),
    ),
  );
  return new Set(pairs);
}

describe("planProbes", () => {
  it("asks nobody where fewer than two hosts have the network, or it is a trunk", () => {
    expect(planFor(1).size).toBe(0);
    const segment = { kind: "trunk", vlans: [{ first: 1, last: 9 }] } as const;
    const trunk = aNetwork("all", { spec: { ...aNetwork("all").spec, segment } });
    expect(planFor(3, [trunk]).size).toBe(0);
  });

  it.each([2, 3, 8, 9])("has each pair of %i hosts probed", (count) => {
    expect(pairsOf(count).size).toBe((count * (count - 1)) / 2);
  });

  it("has as many probes a host as the logarithm of their number", () => {
    const peers = [...planFor(1_000).values()].map(([assignment]) => assignment?.peers.length);
    expect(new Set(peers)).toEqual(new Set([9]));
  });

  it("shows every split: nobody can be parted without a pair that crosses", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 40 }),
        fc.infiniteStream(fc.boolean()),
        (count, bits) => {
          const sides = new Map(
            hostsOf(count).map(({ name }) => [name, bits.next().value === true]),
          );
          const both = new Set(sides.values());
          const crossing = [...pairsOf(count)].some((pair) => {
            const [left = "", right = ""] = pair.split(" ");
            return sides.get(left) !== sides.get(right);
          });
          expect(crossing).toBe(both.size === 2);
        },
      ),
    );
  });

  it("puts networks that have the same hosts together, and others apart", () => {
    const networks = [aNetwork("green"), aNetwork("blue"), aNetwork("dmz")];
    const plan = planProbes({
      hosts: hostsOf(3),
      networks,
      shouldHave: ({ spec }, { name }) => spec.name !== "dmz" || name !== "h3",
    });
    const [first] = plan.values();
    expect(first?.map((assignment) => assignment.networks)).toEqual([["blue", "green"], ["dmz"]]);
  });
});
