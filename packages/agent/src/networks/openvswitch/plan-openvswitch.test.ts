import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UPLINK_MTUS, anyDemand, anyDemands } from "../testing/network-arbitraries.ts";
import type { NetworkDemand } from "../network-demand.ts";
import { aLink } from "../testing/a-link.ts";
import {
  BRIDGE_MARK,
  UPLINK_MARK,
  isOurBridge,
  isOurUplink,
  networkKey,
  networkValue,
} from "./openvswitch-marks.ts";
import {
  carriesVlan,
  openvswitchNicProblem,
  openvswitchProblem,
  type OpenvswitchConfig,
} from "./openvswitch-problems.ts";
import type { OpenvswitchBridge, OpenvswitchPort, OpenvswitchState } from "./openvswitch-state.ts";
import { planOpenvswitch, type OpenvswitchAction } from "./plan-openvswitch.ts";
import {
  aPort,
  afterOpenvswitchAction,
  anInterface,
  portsOf,
} from "./testing/after-openvswitch-action.ts";

const config: OpenvswitchConfig = { bridge: "br0", uplink: "eth1", datapath: "netdev" };
const blue: NetworkDemand = { name: "blue", vlan: 10, mtu: 1500 };
const wanting = (...networks: readonly NetworkDemand[]) =>
  new Map(networks.map((network) => [network.name, network]));

const ourBridge = new Map([[BRIDGE_MARK.key, BRIDGE_MARK.value]]);
const ourUplink = new Map([[UPLINK_MARK.key, UPLINK_MARK.value]]);

function aState(
  bridges: readonly OpenvswitchBridge[],
  ...links: readonly ReturnType<typeof aLink>[]
): OpenvswitchState {
  return {
    bridges: new Map(bridges.map((bridge) => [bridge.name, bridge])),
    links: new Map(links.map((link) => [link.name, link])),
  };
}

const aBridge = (
  externalIds: ReadonlyMap<string, string>,
  ...ports: readonly OpenvswitchPort[]
): OpenvswitchBridge => ({
  name: "br0",
  externalIds,
  ports: portsOf([aPort("br0", { interfaces: [anInterface("br0")] }), ...ports]),
});

const kinds = (actions: readonly OpenvswitchAction[]) => actions.map(({ kind }) => kind);

describe("planOpenvswitch", () => {
  it("makes bridge, uplink, MTU and mark on an empty host, in that order", () => {
    const { actions } = planOpenvswitch(aState([], aLink("eth1")), wanting(blue), config);
    expect(actions).toEqual([
      { kind: "create-bridge", bridge: "br0", datapath: "netdev" },
      { kind: "add-uplink", bridge: "br0", uplink: "eth1" },
      { kind: "set-bridge-mtu", bridge: "br0", mtu: 1500 },
      { kind: "raise-link", device: "br0" },
      { kind: "mark-network", bridge: "br0", network: blue },
    ]);
  });

  it("only marks a bridge that somebody else made", () => {
    const state = aState([aBridge(new Map(), aPort("eth1"))], aLink("eth1", { isUp: false }));
    expect(kinds(planOpenvswitch(state, wanting(blue), config).actions)).toEqual(["mark-network"]);
  });

  it("does nothing for no networks on a host without them", () => {
    expect(planOpenvswitch(aState([], aLink("eth1")), wanting(), config).actions).toEqual([]);
  });

  it.each([
    ["no such uplink", aState([]), "uplink eth1 does not exist on this host"],
    [
      "an uplink with an address",
      aState([], aLink("eth1", { addresses: ["10.0.0.7/24"] })),
      "uplink eth1 carries address 10.0.0.7/24: adding it to bridge br0 could cut this host off",
    ],
    [
      "an uplink in a bond",
      aState([], aLink("eth1", { master: "bond0" })),
      "uplink eth1 belongs to bond0 and cannot be added to bridge br0",
    ],
    [
      "a Linux bridge of that name",
      aState([], aLink("eth1"), aLink("br0", { kind: "bridge" })),
      "device br0 exists and is not an Open vSwitch bridge",
    ],
    [
      "somebody else's bridge without the uplink",
      aState([aBridge(new Map())], aLink("eth1")),
      "uplink eth1 is not a port of bridge br0, which muster did not make",
    ],
    [
      "somebody else's uplink port on another VLAN",
      aState([aBridge(new Map(), aPort("eth1", { tag: 5 }))], aLink("eth1")),
      "uplink eth1 carries VLAN 5 only, not 10",
    ],
    [
      "an uplink with small frames",
      aState([aBridge(new Map(), aPort("eth1"))], aLink("eth1", { mtu: 1400 })),
      "MTU 1500 is above the 1400 of uplink eth1",
    ],
  ] as const)("refuses with the reason on %s", (_what, state, reason) => {
    const plan = planOpenvswitch(state, wanting(blue), config);
    expect(plan).toEqual({ actions: [], refusals: new Map([["blue", reason]]) });
    expect(openvswitchProblem(state, blue, config)).toBe(reason);
  });

  it("takes an uplink that only Open vSwitch knows, such as a bond of its own", () => {
    const slaves = [anInterface("eth2", { isUp: false }), anInterface("eth3", { mtu: 1450 })];
    const bond = aPort("eth1", { interfaces: slaves });
    const marked = new Map([[networkKey("blue"), networkValue({ vlan: 10, mtu: 1400 })]]);
    const state = aState([aBridge(marked, bond)]);
    expect(openvswitchProblem(state, { ...blue, mtu: 1400 }, config)).toBeUndefined();
    expect(openvswitchProblem(state, blue, config)).toBe(
      "MTU 1500 is above the 1450 of uplink eth1",
    );
  });

  it("keeps our bridge while somebody has a port on it", () => {
    const bridge = aBridge(ourBridge, aPort("eth1", { externalIds: ourUplink }), aPort("vnet0"));
    expect(planOpenvswitch(aState([bridge], aLink("eth1")), wanting(), config).actions).toEqual([]);
  });
});

describe("openvswitchProblem", () => {
  const marked = new Map([[networkKey("blue"), networkValue(blue)]]);
  const broken = (own: Partial<ReturnType<typeof anInterface>>): OpenvswitchBridge => ({
    ...aBridge(marked, aPort("eth1")),
    ports: portsOf([aPort("br0", { interfaces: [anInterface("br0", own)] }), aPort("eth1")]),
  });

  it.each([
    [{ error: "no datapath" }, "bridge br0 does not work: no datapath"],
    [{ portNumber: -1 }, "ovs-vswitchd has not made bridge br0; is it running?"],
    [{ portNumber: undefined }, "ovs-vswitchd has not made bridge br0; is it running?"],
  ])("says that the bridge does not work: %o", (own, reason) => {
    const state = aState([broken(own)], aLink("eth1"));
    expect(openvswitchProblem(state, blue, config)).toBe(reason);
    expect(openvswitchNicProblem(state, blue, config)).toBe(reason);
  });

  it("says that a cable is out, which keeps no NIC from being plugged", () => {
    const bridge = aBridge(marked, aPort("eth1"));
    const state = aState([bridge], aLink("eth1", { hasCarrier: false }));
    expect(openvswitchProblem(state, blue, config)).toBe("uplink eth1 has no carrier");
    expect(openvswitchNicProblem(state, blue, config)).toBeUndefined();
  });

  it("says what a spoilt mark says instead", () => {
    const spoilt = new Map([[networkKey("blue"), "who knows"]]);
    const state = aState([aBridge(spoilt, aPort("eth1"))], aLink("eth1"));
    expect(openvswitchProblem(state, blue, config)).toBe(
      "set up with untagged frames and MTU 0, not VLAN 10 and MTU 1500",
    );
  });
});

describe("carriesVlan", () => {
  const none: readonly number[] = [];
  it.each([
    { tag: undefined, trunks: none, vlanMode: "", carries: true },
    { tag: undefined, trunks: [10, 20], vlanMode: "", carries: true },
    { tag: undefined, trunks: [20], vlanMode: "", carries: false },
    { tag: 10, trunks: none, vlanMode: "", carries: true },
    { tag: 20, trunks: none, vlanMode: "", carries: false },
    { tag: 20, trunks: [10], vlanMode: "access", carries: false },
    { tag: 20, trunks: [10], vlanMode: "trunk", carries: true },
    { tag: 10, trunks: [20], vlanMode: "trunk", carries: false },
    { tag: 10, trunks: [20], vlanMode: "native-tagged", carries: true },
    { tag: 20, trunks: none, vlanMode: "native-untagged", carries: true },
    { tag: 20, trunks: none, vlanMode: "dot1q-tunnel", carries: false },
  ])("tag $tag, trunks $trunks, mode '$vlanMode': $carries", ({ carries, ...port }) => {
    expect(carriesVlan(port, 10)).toBe(carries);
  });
});

const anyPort = (
  name: string,
  ids: readonly ReadonlyMap<string, string>[],
): fc.Arbitrary<OpenvswitchPort> =>
  fc
    .record({
      externalIds: fc.constantFrom(...ids),
      tag: fc.constantFrom(undefined, undefined, 10, 99),
      trunks: fc.constantFrom([], [], [10], [20, 30]),
    })
    .map((change) => aPort(name, change));

const anyMarks = fc
  .tuple(
    fc.option(anyDemand("blue"), { nil: undefined }),
    fc.option(anyDemand("old"), { nil: undefined }),
    fc.boolean(),
  )
  .map(([first, second, isSpoilt]) => {
    const marks = new Map([["owner", "else"]]);
    for (const network of [first, second]) {
      if (network !== undefined) marks.set(networkKey(network.name), networkValue(network));
    }
    if (isSpoilt) marks.set(networkKey("green"), "spoilt");
    return marks;
  });

const anyBridge = (isUplinkElsewhere: boolean): fc.Arbitrary<OpenvswitchBridge | undefined> =>
  fc
    .record({
      isThere: fc.boolean(),
      isOurs: fc.boolean(),
      marks: anyMarks,
      uplink: fc.option(anyPort("eth1", [ourUplink, new Map()]), { nil: undefined }),
      former: fc.option(anyPort("eth2", [ourUplink, new Map()]), { nil: undefined }),
      nic: fc.option(anyPort("vnet0", [new Map([["theirs", "1"]])]), { nil: undefined }),
    })
    .map(({ isThere, isOurs, marks, uplink, former, nic }) => {
      if (!isThere) return undefined;
      // We put our mark on ports of our own bridges only.
      const own = (port: OpenvswitchPort | undefined) =>
        port === undefined || isOurs ? port : { ...port, externalIds: new Map<string, string>() };
      const ports = [isUplinkElsewhere ? undefined : own(uplink), own(former), nic];
      const ids = isOurs ? new Map([...marks, ...ourBridge]) : marks;
      return aBridge(ids, ...ports.filter((port) => port !== undefined));
    });

const anyState: fc.Arbitrary<OpenvswitchState> = fc
  .boolean()
  .chain((isUplinkElsewhere) =>
    fc.record({
      isUplinkElsewhere: fc.constant(isUplinkElsewhere),
      bridge: anyBridge(isUplinkElsewhere),
      uplink: fc.option(fc.record({ mtu: fc.constantFrom(...UPLINK_MTUS), isUp: fc.boolean() }), {
        nil: undefined,
        freq: 8,
      }),
      address: fc.constantFrom([], [], [], ["10.0.0.7/24"]),
      isBridgeUp: fc.boolean(),
    }),
  )
  .map(({ bridge, isUplinkElsewhere, uplink, address, isBridgeUp }) => {
    const theirs: OpenvswitchBridge = {
      name: "br9",
      externalIds: new Map([[networkKey("blue"), "not ours to read"]]),
      ports: portsOf([aPort("br9"), ...(isUplinkElsewhere ? [aPort("eth1")] : [])]),
    };
    const links = [
      ...(uplink === undefined ? [] : [aLink("eth1", { ...uplink, addresses: address })]),
      ...(bridge === undefined ? [] : [aLink("br0", { isUp: isBridgeUp })]),
    ];
    return aState([theirs, ...(bridge === undefined ? [] : [bridge])], ...links);
  });

const anyConfig = fc
  .constantFrom("eth1", undefined)
  .map((uplink): OpenvswitchConfig => ({ ...config, uplink }));

const isOursPort = (port: OpenvswitchPort) => isOurUplink(port) || port.name === "br0";

/** All of the state that does not carry our mark. */
function foreignPart(state: OpenvswitchState, wasOurs: boolean) {
  const bridge = state.bridges.get("br0");
  return {
    theirBridge: state.bridges.get("br9"),
    ports: [...(bridge?.ports.values() ?? [])].filter((port) => !isOursPort(port)),
    ownPort: wasOurs ? undefined : bridge?.ports.get("br0"),
    ids: [...(wasOurs ? [] : (bridge?.externalIds ?? []))].filter(
      ([key]) => !key.startsWith("muster"),
    ),
    links: wasOurs ? [] : [...state.links.values()],
  };
}

const carryOut = (state: OpenvswitchState, actions: readonly OpenvswitchAction[]) =>
  actions.reduce(afterOpenvswitchAction, state);

describe("every plan for Open vSwitch", () => {
  it("reaches a state that needs no plan, in which what was not refused works", () => {
    fc.assert(
      fc.property(anyState, anyDemands, anyConfig, (state, wanted, drawn) => {
        const { actions, refusals } = planOpenvswitch(state, wanted, drawn);
        const reached = carryOut(state, actions);
        expect(planOpenvswitch(reached, wanted, drawn)).toEqual({ actions: [], refusals });
        for (const network of wanted.values()) {
          const problem = openvswitchProblem(reached, network, drawn);
          const refusal = refusals.get(network.name);
          // What somebody else keeps down is not ours to raise.
          if (problem !== refusal) expect(problem).toMatch(/^uplink eth1 is down$/);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("can be cut short anywhere: the next one reaches the same", () => {
    fc.assert(
      fc.property(anyState, anyDemands, anyConfig, fc.nat(), (state, wanted, drawn, random) => {
        const { actions } = planOpenvswitch(state, wanted, drawn);
        const cut = carryOut(state, actions.slice(0, random % (actions.length + 1)));
        const reached = carryOut(cut, planOpenvswitch(cut, wanted, drawn).actions);
        expect(reached).toEqual(carryOut(state, actions));
      }),
      { numRuns: 2_000 },
    );
  });

  it("leaves what does not carry our mark as it is", () => {
    fc.assert(
      fc.property(anyState, anyDemands, anyConfig, (state, wanted, drawn) => {
        const bridge = state.bridges.get("br0");
        const wasOurs = bridge === undefined || isOurBridge(bridge);
        const { actions } = planOpenvswitch(state, wanted, drawn);
        const reached = carryOut(state, actions);
        expect(foreignPart(reached, wasOurs)).toEqual(foreignPart(state, wasOurs));
        if (wasOurs) return;
        expect(
          new Set(kinds(actions)).difference(new Set(["mark-network", "unmark-network"])),
        ).toEqual(new Set());
      }),
      { numRuns: 2_000 },
    );
  });

  it("for no networks leaves no mark, but on a bridge of ours that others use", () => {
    fc.assert(
      fc.property(anyState, anyConfig, (state, drawn) => {
        const reached = carryOut(state, planOpenvswitch(state, new Map(), drawn).actions);
        const bridge = reached.bridges.get("br0");
        const before = state.bridges.get("br0");
        if (before !== undefined && !isOurBridge(before)) {
          expect(bridge?.ports).toEqual(before.ports);
        }
        const keys = [...(bridge?.externalIds.keys() ?? [])];
        expect(keys.filter((key) => key.startsWith("muster-network:"))).toEqual([]);
        if (bridge === undefined || !isOurBridge(bridge)) return;
        expect([...bridge.ports.values()].some((port) => !isOursPort(port))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
