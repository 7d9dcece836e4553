/** What carries the host's own traffic, by how its devices hang together. */
import type { NetworkSpec } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { describe, expect, it } from "vitest";
import type { KernelLink } from "../links/kernel-links.ts";
import { aLink } from "../testing/a-link.ts";
import type { Wiring } from "./carried-by.ts";
import { Carriage } from "./carries.ts";
import { hostOf } from "./host-traffic.ts";

const wiringOf = (links: readonly KernelLink[], change: Partial<Wiring> = {}): Wiring => ({
  links: new Map(links.map((link) => [link.name, link])),
  bridgeOf: new Map(
    links.flatMap(({ name, master }) => (master === undefined ? [] : [[name, master] as const])),
  ),
  tagOf: new Map(),
  ...change,
});

const vlan10 = aNetwork({ name: "blue", vlan: 10 });
const vlan20 = aNetwork({ name: "green", vlan: 20 });
const plain: NetworkSpec = { ...vlan10, name: "plain", segment: { kind: "untagged" } };
const trunk: NetworkSpec = {
  ...vlan10,
  name: "trunk",
  segment: { kind: "trunk", vlans: [{ first: 9, last: 11 }] },
};

/** Names of the networks on the devices that carry the agent's connection by `device`. */
const carrying = (wiring: Wiring, device: string, on: readonly string[]): readonly string[] => {
  const carriage = new Carriage([{ kind: "agent", device }], wiring);
  return [vlan10, vlan20, plain, trunk]
    .filter((network) => carriage.ofNetwork(network, on).length > 0)
    .map(({ name }) => name);
};

describe("what carries the agent's connection", () => {
  it("is the VLAN of a device on a bridge, also of a trunk that has it, and the NIC below", () => {
    const wiring = wiringOf([
      aLink("eth1", { master: "bond0" }),
      aLink("bond0", { kind: "bond", master: "muster0" }),
      aLink("muster0", { kind: "bridge" }),
      aLink("muster0.10", { kind: "vlan", vlanOn: { device: "muster0", vlan: 10 } }),
      aLink("mt1-0", { kind: "tun", master: "muster0" }),
    ]);
    expect(carrying(wiring, "muster0.10", ["muster0", "bond0"])).toEqual(["blue", "trunk"]);
    const carriage = new Carriage([{ kind: "migration", device: "muster0.10" }], wiring);
    expect(carriage.ofDevices(["bond0"])).toEqual(["migration"]);
    expect(carriage.ofDevices(["eth1"])).toEqual(["migration"]);
    expect(carriage.ofDevices(["mt1-0"])).toEqual([]);
  });

  it("is the untagged network where the bridge itself has the address", () => {
    const wiring = wiringOf([aLink("eth1", { master: "br0" }), aLink("br0", { kind: "bridge" })]);
    expect(carrying(wiring, "br0", ["br0", "eth1"])).toEqual(["plain"]);
  });

  it("is the VLAN of one bridge where each VLAN has its own", () => {
    const wiring = wiringOf([
      aLink("eth1"),
      aLink("umv-10", { kind: "vlan", vlanOn: { device: "eth1", vlan: 10 }, master: "mv-10" }),
      aLink("mv-10", { kind: "bridge" }),
    ]);
    expect(carrying(wiring, "mv-10", ["mv-10", "eth1"])).toContain("blue");
    expect(carrying(wiring, "mv-10", ["mv-20", "eth1"])).not.toContain("green");
  });

  it("is the VLAN of a port of Open vSwitch, and the uplink it leaves by", () => {
    const wiring = wiringOf([aLink("eth1"), aLink("br0", { kind: "openvswitch" }), aLink("mgmt")], {
      bridgeOf: new Map([
        ["eth1", "br0"],
        ["br0", "br0"],
        ["mgmt", "br0"],
      ]),
      tagOf: new Map([["mgmt", 20]]),
    });
    const internal = { ...wiring, links: new Map(wiring.links) };
    internal.links.set("mgmt", aLink("mgmt", { kind: "openvswitch" }));
    expect(carrying(internal, "mgmt", ["br0", "eth1"])).toEqual(["green"]);
    expect(carrying(internal, "br0", ["br0", "eth1"])).toEqual(["plain"]);
    const carriage = new Carriage([{ kind: "agent", device: "mgmt" }], internal);
    expect(carriage.ofDevices(["eth1"])).toEqual(["agent"]);
  });

  it("is nothing where it goes by a NIC that no network uses", () => {
    const wiring = wiringOf([aLink("eth0"), aLink("eth1", { master: "br0" })]);
    expect(carrying(wiring, "eth0", ["br0", "eth1"])).toEqual([]);
  });
});

it.each([
  ["https://10.99.0.250:7443", "10.99.0.250"],
  ["https://[2001:db8::1]:7443", "2001:db8::1"],
  ["h1.example.org:7443", "h1.example.org"],
  ["10.0.0.1:7443", "10.0.0.1"],
  ["[2001:db8::1]:7443", "2001:db8::1"],
  ["2001:db8::1", "2001:db8::1"],
  ["h1", "h1"],
])("the host in %s is %s", (address, host) => {
  expect(hostOf(address)).toBe(host);
});
