import type { NetworkObservation, NetworkSpec } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { describe, expect, it } from "vitest";
import { noLayout, type HostLayout } from "../networks/host-layout.ts";
import { protectedChanges } from "./protected-changes.ts";

const blue = aNetwork({ name: "blue", vlan: 10 });
const seen: NetworkObservation = {
  name: "blue",
  state: "ready",
  message: "",
  vlan: 10,
  driver: "linux-bridge",
  bridge: "muster0",
  wanted: "",
  found: "",
  carries: ["agent"],
};
const uplink = { label: "lan", members: [{ by: "name", name: "eth1" }], mtu: 1500 } as const;
const layout: HostLayout = { ...noLayout, uplinks: [uplink] };
const carried = {
  networks: [seen],
  uplinks: [
    { label: "lan", device: "eth1", members: [], mtu: 1500, problem: "", carries: ["migration"] },
  ],
  interfaces: [],
} as const;
const before = { networks: [blue], layout };

const after = (networks: readonly NetworkSpec[], changed = layout) =>
  protectedChanges(before, { networks, layout: changed }, carried);

describe("protectedChanges", () => {
  it("names a network or uplink that would go or be another, and what it carries", () => {
    expect(after([])).toEqual([
      "removes network blue, which carries the agent's connection to the coordinator",
    ]);
    expect(after([{ ...blue, segment: { kind: "vlan", vlan: 11 } }])).toEqual([
      "re-tags network blue, which carries the agent's connection to the coordinator",
    ]);
    expect(after([{ ...blue, uplink: "dmz" }])).toHaveLength(1);
    expect(after([blue], noLayout)).toEqual(["removes uplink lan, which carries migrations"]);
    const other = { ...uplink, members: [{ by: "name", name: "eth2" }] } as const;
    expect(after([blue], { ...noLayout, uplinks: [other] })).toEqual([
      "changes the NICs of uplink lan, which carries migrations",
    ]);
  });

  it("lets pass what leaves the way of the frames as it is", () => {
    expect(after([{ ...blue, mtu: 1400 }, aNetwork({ name: "green", vlan: 20 })])).toEqual([]);
    const larger = { ...uplink, mtu: 9000 };
    expect(after([blue], { ...noLayout, uplinks: [larger] })).toEqual([]);
  });
});
