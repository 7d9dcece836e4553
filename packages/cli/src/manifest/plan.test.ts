import { describe, expect, it } from "vitest";
import { parseManifests } from "./manifest.ts";
import { judgedBefore, planChanges, type Current } from "./plan.ts";

const read = (text: string) => parseManifests(text, "f.yaml");

const site = `
kind: address
network: blue
name: web-1
address: 10.1.0.50
---
kind: network
name: blue
vlan: 10
mtu: 9000
uplink: lan
subnets: [{ cidr: 10.1.0.0/24 }]
---
kind: uplink
label: lan
nics: [eth1]
hosts: [h1, h2]
mtu: 9000
`;

const nothing: Current = { networks: [], uplinks: [], addresses: [], rules: [] };

/** What the cluster has once all of it was carried out. */
function after(text: string): Current {
  const wanted = read(text).map((manifest) => manifest.wanted);
  return {
    networks: wanted.flatMap((each) => (each.kind === "network" ? [each.spec] : [])),
    uplinks: wanted.flatMap((each) => (each.kind === "uplink" ? [each.spec] : [])),
    addresses: wanted.flatMap((each) =>
      each.kind === "address"
        ? [{ ...each.spec, kind: "reservation", reverseName: "", hostName: "" }]
        : [],
    ),
    rules: wanted.flatMap((each) => (each.kind === "rule" ? [each.spec] : [])),
  };
}

const titles = (text: string, current: Current): string[] =>
  planChanges(read(text), current).map(({ action, title }) => `${action} ${title}`);

describe("a plan", () => {
  it("makes first what the rest needs", () => {
    expect(titles(site, nothing)).toEqual([
      "create uplink lan of h1, h2",
      "create network blue",
      "create address 10.1.0.50 on blue for web-1",
    ]);
  });

  it("has nothing to do the second time, whatever the order of hosts", () => {
    const again = titles(site.replace("[h1, h2]", "[h2, h1]"), after(site));
    expect(again.every((line) => line.startsWith("none "))).toBe(true);
  });

  it("names the fields that differ", () => {
    const [, blue] = planChanges(read(site.replace("vlan: 10", "vlan: 11")), after(site));
    expect(blue).toMatchObject({ action: "change", differences: ["vlan: 10 -> 11"] });
  });

  it("says of something new only what is set", () => {
    const [uplink] = planChanges(read("kind: uplink\nlabel: lan\nnics: [eth1]"), nothing);
    expect(uplink?.differences.join("\n")).toMatch(/label: nothing -> "lan"/);
    expect(uplink?.differences.join("\n")).not.toMatch(/hosts|bond/);
  });

  it("knows a rule by its name, and two that change together are judged together", () => {
    const rules = `
kind: rule
name: apart
group: db
spread: true
level: rack
---
kind: rule
name: near
group: web
pack: true
preferred: true
`;
    expect(titles(rules, nothing)).toEqual(["create rule apart", "create rule near"]);
    expect(titles(rules, after(rules))).toEqual(["none rule apart", "none rule near"]);
    const two = planChanges(read(rules.replace("level: rack", "max: 2")), after(rules));
    expect(two[0]).toMatchObject({
      action: "change",
      differences: ['level: "rack" -> "host"', "max: 1 -> 2"],
    });
    expect(judgedBefore(planChanges(read(rules), nothing))).toHaveLength(1);
  });

  it("shrinks networks before the uplink under them", () => {
    const smaller = site.replaceAll("mtu: 9000", "mtu: 1500");
    expect(titles(smaller, after(site)).slice(0, 2)).toEqual([
      "change network blue",
      "change uplink lan of h1, h2",
    ]);
  });

  it("takes an address that is reserved for the name already, when none is asked for", () => {
    const any = site.replace("address: 10.1.0.50\n", "");
    expect(titles(any, after(site)).at(-1)).toBe("none address on blue for web-1");
  });

  it("refuses what is defined twice, naming both documents", () => {
    const twice = () =>
      planChanges(
        read("kind: network\nname: a\nvlan: 1\n---\nkind: network\nname: a\nvlan: 2"),
        nothing,
      );
    expect(twice).toThrow("f.yaml, document 2: network a is defined in f.yaml, document 1 too");
  });

  it("lets the coordinator judge beforehand what rests on nothing new", () => {
    const judged = (current: Current) =>
      judgedBefore(planChanges(read(site), current)).map(({ title }) => title);
    expect(judged(nothing)).toEqual(["uplink lan of h1, h2"]);
    expect(judged({ ...after(site), addresses: [] })).toEqual([
      "address 10.1.0.50 on blue for web-1",
    ]);
  });
});
