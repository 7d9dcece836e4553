import { describe, expect, it } from "vitest";
import { hostIdOf } from "../testing/builders.ts";
import { changeRules, changeTraits, type RulesChange, type TraitsChange } from "./change-rules.ts";

const rules = (change: Partial<RulesChange>): RulesChange => ({
  addGroups: [],
  removeGroups: [],
  hostLabels: [],
  ...change,
});
const traits = (change: Partial<TraitsChange>): TraitsChange => ({ labels: [], ...change });

describe("a change of a VM's rules", () => {
  it("changes what it names and nothing else; empty takes away", () => {
    const first = changeRules(
      undefined,
      rules({ addGroups: ["web", "db"], environment: "PRD", priority: 5, home: hostIdOf(1) }),
    );
    expect(first).toStrictEqual({
      groups: ["db", "web"],
      environment: "PRD",
      priority: 5,
      home: hostIdOf(1),
    });
    const second = changeRules(
      first,
      rules({
        removeGroups: ["web"],
        hostLabels: [{ name: "ssd", value: "yes" }],
        home: "",
        pinnedTo: [hostIdOf(2)],
      }),
    );
    expect(second).toStrictEqual({
      groups: ["db"],
      hostLabels: { ssd: "yes" },
      pinnedTo: [hostIdOf(2)],
      environment: "PRD",
      priority: 5,
    });
    const all = rules({
      removeGroups: ["db"],
      hostLabels: [{ name: "ssd", value: "" }],
      pinnedTo: [],
      environment: "",
      priority: 0,
    });
    expect(changeRules(second, all)).toStrictEqual({});
  });

  it("refuses more groups than anybody keeps in mind", () => {
    const many = Array.from({ length: 65 }, (_, index) => `g${String(index)}`);
    expect(() => changeRules(undefined, rules({ addGroups: many }))).toThrow(
      "groups: 65, at most 64",
    );
  });
});

describe("a change of a host's traits", () => {
  it("changes what it names and nothing else; zero and empty take away", () => {
    const first = changeTraits(
      undefined,
      traits({ failureDomain: ["paris", "rack-7"], cpusReserved: 2, memoryReservedBytes: 5n }),
    );
    expect(first).toStrictEqual({
      failureDomain: ["paris", "rack-7"],
      cpusReserved: 2,
      memoryReservedBytes: 5n,
    });
    const change = traits({ failureDomain: [], memoryReservedBytes: 0n, tenants: ["a"] });
    expect(changeTraits(first, change)).toStrictEqual({ tenants: ["a"], cpusReserved: 2 });
  });
});
