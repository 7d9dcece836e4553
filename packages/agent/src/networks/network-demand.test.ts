import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { networkDefaults, type NetworkSpec, type Segment, type VlanRange } from "@muster/model";
import {
  demandOf,
  demandProblem,
  describeFrames,
  idsOf,
  isUntagged,
  nicTrunk,
  nicTrunkProblem,
  rangesOf,
  sameDemand,
  tagsOf,
} from "./network-demand.ts";

const networkOf = (segment: Segment): NetworkSpec => ({
  ...networkDefaults,
  name: "blue",
  segment,
});
const demand = (segment: Segment) => demandOf(networkOf(segment));

const anyRanges: fc.Arbitrary<readonly VlanRange[]> = fc.array(
  fc
    .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 5 }))
    .map(([first, more]) => ({ first, last: first + more })),
  { maxLength: 5 },
);

describe("what a network asks of a host", () => {
  it.each([
    [{ kind: "vlan", vlan: 10 }, "VLAN 10", [10], false],
    [{ kind: "untagged" }, "untagged frames", [], true],
    [{ kind: "trunk", vlans: [{ first: 10, last: 12 }] }, "VLANs 10-12", [10, 11, 12], false],
    [{ kind: "vxlan", vni: 7 }, "VXLAN 7", [], false],
  ] as const)("%j is %s", (segment, text, tags, untagged) => {
    const wanted = demand(segment);
    expect(describeFrames(wanted)).toBe(text);
    expect(idsOf(tagsOf(wanted))).toEqual(tags);
    expect(isUntagged(wanted)).toBe(untagged);
  });

  it("refuses what no bridge can have, with the numbers", () => {
    expect(demandProblem(demand({ kind: "vxlan", vni: 7 }))).toMatch(/VXLANs \(7\)/);
    expect(demandProblem(demand({ kind: "trunk", vlans: [] }))).toMatch(/no VLAN id/);
    expect(demandProblem(demand({ kind: "trunk", vlans: [{ first: 1, last: 4095 }] }))).toMatch(
      /4095/,
    );
    expect(demandProblem(demand({ kind: "untagged" }))).toBeUndefined();
  });

  it("differs by its frames", () => {
    const trunk = demand({ kind: "trunk", vlans: [{ first: 10, last: 10 }] });
    expect(sameDemand(trunk, demand({ kind: "vlan", vlan: 10 }))).toBe(false);
    expect(sameDemand(trunk, demand({ kind: "untagged" }))).toBe(false);
    expect(sameDemand(trunk, { ...trunk })).toBe(true);
  });
});

describe("ranges of ids", () => {
  it("are as few as possible and say the same ids", () => {
    fc.assert(
      fc.property(anyRanges, (ranges) => {
        const ids = idsOf(ranges);
        const again = rangesOf(ids);
        expect(idsOf(again)).toEqual(ids);
        for (const [index, { first }] of again.entries()) {
          expect(first).toBeGreaterThan((again[index - 1]?.last ?? -1) + 1);
        }
      }),
    );
  });

  it("a NIC gets what it asks for and the network has, never more", () => {
    fc.assert(
      fc.property(anyRanges, anyRanges, (vlans, asked) => {
        const trunk = demand({ kind: "trunk", vlans });
        const allowed = new Set(idsOf(vlans));
        const given = idsOf(nicTrunk(trunk, asked));
        expect(given).toEqual(idsOf(asked).filter((id) => allowed.has(id)));
        expect(nicTrunkProblem(trunk, asked) === undefined).toBe(given.length > 0);
        expect(idsOf(nicTrunk(trunk, undefined))).toEqual(idsOf(vlans));
      }),
    );
  });
});
