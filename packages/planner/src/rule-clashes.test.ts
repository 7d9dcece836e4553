import { describe, expect, it } from "vitest";
import { findRuleClashes, renderRuleClash } from "./rule-clashes.ts";
import type { GroupRule, Snapshot } from "./snapshot.ts";
import { aHost, aSnapshot, aVm } from "./testing/builders.ts";

const rule = (name: string, mode: GroupRule["mode"], level: string, max?: number): GroupRule => ({
  name,
  group: "g",
  mode,
  strength: "required",
  level,
  ...(max === undefined ? {} : { max }),
});

const cluster = (rules: readonly GroupRule[], fields: Partial<Snapshot> = {}): Snapshot =>
  aSnapshot({
    hosts: ["a", "a", "b"].map((rack, index) =>
      aHost(`h${index + 1}`, { failureDomain: ["s", "r", rack] }),
    ),
    vms: ["v1", "v2", "v3"].map((id) => aVm(id, { groups: ["g"] })),
    rules,
    ...fields,
  });

describe("rules that clash", () => {
  it.each([
    ["one spread that fits", cluster([rule("apart", "spread", "host")]), []],
    [
      "apart and together on a host",
      cluster([rule("apart", "spread", "host"), rule("tight", "pack", "host")]),
      ["rules apart and tight clash: v1, v2, v3 would have to be apart and together"],
    ],
    [
      "over racks and in one rack",
      cluster([rule("apart", "spread", "rack", 2), rule("tight", "pack", "rack")]),
      ["rules apart and tight clash: v1, v2, v3 would have to be apart and together"],
    ],
    [
      "in one rack but on hosts of which no rack has enough",
      cluster([rule("apart", "spread", "host"), rule("tight", "pack", "rack")]),
      [
        "rules apart and tight clash: 3 members must be together, and no such domain has more than 2 to spread over",
      ],
    ],
    [
      "more members than racks",
      cluster([rule("apart", "spread", "rack")]),
      ["rule apart allows 1 in each of 2 domains, and there are 3 members"],
    ],
    [
      "two pinned to one host",
      cluster([rule("apart", "spread", "host")], {
        vms: ["v1", "v2"].map((id) => aVm(id, { groups: ["g"], pinnedTo: ["h1"] })),
      }),
      ["rule apart clashes with where v1, v2 are pinned"],
    ],
    [
      "pinned to two racks and together in one",
      cluster([rule("tight", "pack", "rack")], {
        vms: [
          aVm("v1", { groups: ["g"], pinnedTo: ["h1"] }),
          aVm("v2", { groups: ["g"], pinnedTo: ["h3"] }),
        ],
      }),
      ["rule tight clashes with where v1, v2 are pinned"],
    ],
    [
      "a level nobody has",
      cluster([rule("apart", "spread", "planet")]),
      ["rule apart speaks of level planet, which hosts do not have"],
    ],
    [
      "pinned to a host that is gone",
      cluster([], { vms: [aVm("v1", { pinnedTo: ["gone"] })] }),
      ["VM v1 is pinned to gone, which is no host"],
    ],
  ])("%s", (_name, snapshot, lines) => {
    expect(findRuleClashes(snapshot).map(renderRuleClash)).toEqual(lines);
  });
});
