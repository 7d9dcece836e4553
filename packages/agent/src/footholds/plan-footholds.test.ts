import type { NetworkSpec } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { describe, expect, it } from "vitest";
import { aLink } from "../networks/testing/a-link.ts";
import { placeOf } from "./bridge-place.ts";
import { aliasOf, deviceOf, insideOf, type Foothold } from "./foothold.ts";
import type { FootholdState } from "./foothold-state.ts";
import { planFootholds } from "./plan-footholds.ts";

const foothold: Foothold = {
  purpose: "p",
  network: "blue",
  namespace: "muster-probe",
  place: { kind: "openvswitch", bridge: "br0", vlan: 10 },
  mtu: 1500,
  addresses: ["fe80::1/64"],
};
const device = deviceOf(foothold);

const nothing: FootholdState = { links: new Map(), namespaces: new Map(), ports: new Map() };

const whole = (of: Foothold): FootholdState => {
  const link = aLink(deviceOf(of), { kind: "veth", alias: aliasOf(of) });
  const { place } = of;
  return {
    links: new Map([
      [link.name, place.kind === "openvswitch" ? link : { ...link, master: place.bridge }],
    ]),
    namespaces: new Map([[of.namespace, new Set(["lo", insideOf(of)])]]),
    ports: place.kind === "openvswitch" ? new Map([[link.name, place.vlan]]) : new Map(),
  };
};

const kinds = (state: FootholdState, wanted: readonly Foothold[]): readonly string[] =>
  planFootholds(state, wanted).map(({ kind }) => kind);

describe("the place of a foothold", () => {
  const on = (driver: string, change: Partial<NetworkSpec> = {}) =>
    placeOf(
      { ...aNetwork({ name: "blue", vlan: 10 }), ...change },
      { state: "ready", bridge: "b0", driver },
    );
  const vxlan = { segment: { kind: "vxlan", vni: 7 } } as const;

  it("is a port of the network's bridge, on its VLAN where the bridge tells them apart", () => {
    expect(on("openvswitch")).toEqual({ kind: "openvswitch", bridge: "b0", vlan: 10 });
    expect(on("linux-bridge")).toEqual({ kind: "linux-bridge", bridge: "b0", vlan: 10 });
    expect(on("vlan-bridges")).toEqual({ kind: "linux-bridge", bridge: "b0" });
  });

  it("is without a tag on the bridge of a VXLAN", () => {
    expect(on("openvswitch", vxlan)).toMatchObject({ vlan: 0 });
    expect(on("linux-bridge", vxlan)).toEqual(
      on("linux-bridge", { segment: { kind: "untagged" } }),
    );
  });

  it("is nowhere on a trunk, nor on a network that is only simulated", () => {
    const trunk = { segment: { kind: "trunk", vlans: [{ first: 1, last: 9 }] } } as const;
    expect([on("openvswitch", trunk), on("simulated")]).toEqual([undefined, undefined]);
  });
});

describe("footholds", () => {
  it("have names the kernel takes, for any network", () => {
    const long = { ...foothold, network: "n".repeat(63) };
    expect(insideOf(long).length).toBeLessThanOrEqual(15);
    expect(deviceOf(long)).not.toBe(device);
  });

  it("are made with their namespace where nothing is", () => {
    expect(kinds(nothing, [foothold])).toEqual(["make-namespace", "make-foothold"]);
  });

  it("are left alone when they are as they should be", () => {
    expect(planFootholds(whole(foothold), [foothold])).toEqual([]);
    const onBridge: Foothold = {
      ...foothold,
      place: { kind: "linux-bridge", bridge: "muster0", vlan: 10 },
    };
    expect(planFootholds(whole(onBridge), [onBridge])).toEqual([]);
  });

  it("are made anew when anything of them changed", () => {
    const again = ["remove-port", "remove-device", "make-foothold"];
    expect(kinds(whole(foothold), [{ ...foothold, mtu: 1400 }])).toEqual(again);
    const place = { kind: "openvswitch", bridge: "br0", vlan: 11 } as const;
    expect(kinds(whole(foothold), [{ ...foothold, place }])).toEqual(again);
    const retagged = { ...whole(foothold), ports: new Map([[device, 11]]) };
    expect(kinds(retagged, [foothold])).toEqual(again);
  });

  it("are made anew when the agent was killed before they were finished", () => {
    const unmarked = {
      ...whole(foothold),
      links: new Map([[device, aLink(device, { kind: "veth" })]]),
    };
    expect(kinds(unmarked, [foothold])).toEqual(["remove-port", "remove-device", "make-foothold"]);
  });

  it("are made anew when their namespace is gone, also when its name is still there", () => {
    const gone = {
      links: new Map(),
      namespaces: new Map([["muster-probe", new Set<string>()]]),
      ports: new Map([[device, 10]]),
    };
    expect(kinds(gone, [foothold])).toEqual([
      "remove-port",
      "remove-namespace",
      "make-namespace",
      "make-foothold",
    ]);
  });

  it("go with what they were for, and nothing else does", () => {
    const state = whole(foothold);
    const foreign = { ...aLink("vmfoo", { kind: "veth" }), master: "br0" };
    const links = new Map([...state.links, [foreign.name, foreign]]);
    expect(planFootholds({ ...state, links }, [])).toEqual([
      { kind: "remove-port", device },
      { kind: "remove-device", device },
      { kind: "remove-namespace", namespace: "muster-probe" },
    ]);
  });
});
