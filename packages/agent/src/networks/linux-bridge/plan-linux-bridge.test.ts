import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NetworkDemand } from "../network-demand.ts";
import { aLink } from "../testing/a-link.ts";
import { anyDemands } from "../testing/network-arbitraries.ts";
import { isOurBridge, networkAltName, networkMarks, uplinkOfAlias } from "./linux-bridge-marks.ts";
import { linuxBridgeProblem, type LinuxBridgeConfig } from "./linux-bridge-problems.ts";
import type { LinuxBridgeState } from "./linux-bridge-state.ts";
import { bridgeVlansOf } from "./port-frames.ts";
import { planLinuxBridge, type LinuxBridgeAction } from "./plan-linux-bridge.ts";
import { afterLinuxBridgeAction } from "./testing/after-linux-action.ts";
import { anyLinuxState } from "./testing/linux-bridge-arbitraries.ts";

const config: LinuxBridgeConfig = { bridge: "muster0", uplink: "eth1" };
const blue: NetworkDemand = { name: "blue", vlan: 10, mtu: 1500 };

const wanting = (...networks: readonly NetworkDemand[]) =>
  new Map(networks.map((network) => [network.name, network]));

const aState = (...links: readonly ReturnType<typeof aLink>[]): LinuxBridgeState => ({
  links: new Map(links.map((link) => [link.name, link])),
  vlans: new Map(),
});

const carryOut = (state: LinuxBridgeState, actions: readonly LinuxBridgeAction[]) =>
  actions.reduce(afterLinuxBridgeAction, state);

describe("planLinuxBridge", () => {
  it("makes and marks the bridge, adds the uplink, then the network", () => {
    const { actions } = planLinuxBridge(aState(aLink("eth1")), wanting(blue), config);
    expect(actions).toEqual([
      { kind: "create-bridge", bridge: "muster0" },
      { kind: "mark-bridge", bridge: "muster0", uplink: "eth1" },
      { kind: "attach-uplink", bridge: "muster0", uplink: "eth1" },
      { kind: "raise-link", device: "muster0" },
      { kind: "mark-network", bridge: "muster0", network: blue },
      { kind: "allow-vlan", uplink: "eth1", vlan: 10, network: "blue" },
    ]);
  });

  it("takes a VLAN off before its mark, and deletes the bridge last", () => {
    const state = carryOut(
      aState(aLink("eth1")),
      planLinuxBridge(aState(aLink("eth1")), wanting(blue), config).actions,
    );
    expect(planLinuxBridge(state, wanting(), config).actions).toEqual([
      { kind: "forbid-vlan", uplink: "eth1", vlan: 10, network: "blue" },
      {
        kind: "unmark-network",
        bridge: "muster0",
        mark: { ...blue, altName: "muster.blue.vlan10.mtu1500" },
      },
      { kind: "delete-bridge", bridge: "muster0" },
    ]);
  });

  it.each([
    ["no such uplink", aState(), "uplink eth1 does not exist on this host"],
    [
      "an uplink with an address",
      aState(aLink("eth1", { addresses: ["fd00::7/64"] })),
      "uplink eth1 carries address fd00::7/64: adding it to bridge muster0 could cut this host off",
    ],
    [
      "somebody else's device of the bridge's name",
      aState(aLink("eth1"), aLink("muster0", { kind: "bridge" })),
      "device muster0 exists and was not made by muster; configure another bridge name",
    ],
    [
      "an uplink with small frames",
      aState(aLink("eth1", { mtu: 1400 })),
      "MTU 1500 is above the 1400 of uplink eth1",
    ],
    [
      "a VLAN that a device takes",
      aState(
        aLink("eth1"),
        aLink("eth1.10", { kind: "vlan", vlanOn: { device: "eth1", vlan: 10 } }),
      ),
      "VLAN 10 of uplink eth1 is in use by device eth1.10",
    ],
  ] as const)("refuses with the reason on %s", (_what, state, reason) => {
    const plan = planLinuxBridge(state, wanting(blue), config);
    expect(plan).toEqual({ actions: [], refusals: new Map([["blue", reason]]) });
    expect(linuxBridgeProblem(state, blue, config)).toBe(reason);
  });
});

/** All of the state that does not carry our mark. */
function foreignPart(state: LinuxBridgeState, config: LinuxBridgeConfig, alias: string) {
  const ours = new Set(["muster0", config.uplink, uplinkOfAlias(alias)]);
  const uplinkVlans = state.vlans.get(config.uplink ?? "");
  return {
    links: [...state.links.values()].filter(({ name }) => !ours.has(name)),
    vlans: [...state.vlans].filter(([device]) => !ours.has(device)),
    // Nobody's network is on VLAN 77.
    theirVlan: uplinkVlans?.get(77),
  };
}

const anyConfig = fc
  .constantFrom("eth1", undefined)
  .map((uplink): LinuxBridgeConfig => ({ bridge: "muster0", uplink }));

describe("every plan for a Linux bridge", () => {
  it("reaches a state that needs no plan, in which what was not refused works", () => {
    fc.assert(
      fc.property(anyLinuxState, anyDemands, anyConfig, (state, wanted, drawn) => {
        const { actions, refusals } = planLinuxBridge(state, wanted, drawn);
        const reached = carryOut(state, actions);
        expect(planLinuxBridge(reached, wanted, drawn)).toEqual({ actions: [], refusals });
        for (const network of wanted.values()) {
          expect(linuxBridgeProblem(reached, network, drawn)).toBe(refusals.get(network.name));
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it("can be cut short anywhere: the next one reaches the same", () => {
    fc.assert(
      fc.property(
        anyLinuxState,
        anyDemands,
        anyConfig,
        fc.nat(),
        (state, wanted, drawn, random) => {
          const { actions } = planLinuxBridge(state, wanted, drawn);
          const cut = carryOut(state, actions.slice(0, random % (actions.length + 1)));
          const reached = carryOut(cut, planLinuxBridge(cut, wanted, drawn).actions);
          expect(reached).toEqual(carryOut(state, actions));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it("leaves what does not carry our mark as it is", () => {
    fc.assert(
      fc.property(anyLinuxState, anyDemands, anyConfig, (state, wanted, drawn) => {
        const bridge = state.links.get("muster0");
        const { actions } = planLinuxBridge(state, wanted, drawn);
        if (bridge !== undefined && !isOurBridge(bridge)) {
          expect(actions).toEqual([]);
          return;
        }
        const reached = carryOut(state, actions);
        const alias = bridge?.alias ?? "";
        const isGone = !reached.links.has("muster0");
        const theirs = (part: ReturnType<typeof foreignPart>) =>
          // With the bridge go the VLANs of its ports, whoever's.
          isGone ? { ...part, theirVlan: undefined } : part;
        expect(theirs(foreignPart(reached, drawn, alias))).toEqual(
          theirs(foreignPart(state, drawn, alias)),
        );
        const named = (link = bridge) =>
          link?.altNames.filter((name) => !name.startsWith("muster."));
        if (!isGone) expect(named(reached.links.get("muster0")) ?? []).toEqual(named() ?? []);
      }),
      { numRuns: 3_000 },
    );
  });

  it("takes the uplink of an earlier configuration off the bridge", () => {
    fc.assert(
      fc.property(anyLinuxState, anyDemands, anyConfig, (state, wanted, drawn) => {
        const former = uplinkOfAlias(state.links.get("muster0")?.alias ?? "");
        const { actions, refusals } = planLinuxBridge(state, wanted, drawn);
        fc.pre(former !== undefined && former !== drawn.uplink && refusals.size < wanted.size);
        const reached = carryOut(state, actions);
        expect(reached.links.get(former ?? "")?.master).not.toBe("muster0");
      }),
      { numRuns: 300 },
    );
  });

  it("never leaves a VLAN of ours without its mark, however short it is cut", () => {
    fc.assert(
      fc.property(anyDemands, anyDemands, (first, second) => {
        const empty = aState(aLink("eth1", { mtu: 9000 }));
        const made = carryOut(empty, planLinuxBridge(empty, first, config).actions);
        const { actions } = planLinuxBridge(made, second, config);
        for (let count = 0; count <= actions.length; count += 1) {
          const cut = carryOut(made, actions.slice(0, count));
          const bridge = cut.links.get("muster0");
          const marked = new Set(
            bridge === undefined ? [] : networkMarks(bridge).flatMap(bridgeVlansOf),
          );
          for (const vlan of cut.vlans.get("eth1")?.keys() ?? []) expect(marked).toContain(vlan);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("for no networks leaves no mark, but on a bridge of ours that others use", () => {
    fc.assert(
      fc.property(anyLinuxState, anyConfig, (state, drawn) => {
        const reached = carryOut(state, planLinuxBridge(state, new Map(), drawn).actions);
        const bridge = reached.links.get("muster0");
        if (bridge === undefined || !isOurBridge(bridge)) return;
        expect(networkMarks(bridge)).toEqual([]);
        const uplink = uplinkOfAlias(bridge.alias);
        const others = [...reached.links.values()].filter(
          ({ master, name }) => master === "muster0" && name !== uplink,
        );
        expect(others).not.toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("marks on a Linux bridge", () => {
  it.each(["blue", "a.b-c", "x.vlan7.mtu9", "a".repeat(63)])("of network %s read back", (name) => {
    const demand = { name, vlan: 4094, mtu: 9216 };
    const altName = networkAltName(demand);
    expect(networkMarks(aLink("muster0", { altNames: ["other", altName] }))).toEqual([
      { ...demand, altName },
    ]);
    // The kernel's limit for alternative names is 127 characters.
    expect(altName.length).toBeLessThan(128);
  });
});
