/** Hosts with Linux bridges as fast-check draws them: right, half made, damaged, and somebody else's. */
import fc from "fast-check";
import type { KernelLink } from "../../links/kernel-links.ts";
import type { PortVlan } from "../../links/bridge-vlans.ts";
import { aLink } from "../../testing/a-link.ts";
import { UPLINK_MTUS, anyDemand } from "../../testing/network-arbitraries.ts";
import { BRIDGE_GROUP, bridgeAlias, networkAltName } from "../linux-bridge-marks.ts";
import type { LinuxBridgeState } from "../linux-bridge-state.ts";
import { OUR_SETTINGS, tagged, untagged } from "./after-linux-action.ts";

const anyAltNames = fc
  .tuple(
    fc.option(anyDemand("blue"), { nil: undefined }),
    // An agent was killed while it replaced a mark by another.
    fc.option(anyDemand("blue"), { nil: undefined }),
    fc.option(anyDemand("old"), { nil: undefined }),
    fc.boolean(),
  )
  .map(([first, second, third, hasOther]) => {
    const ours = [first, second, third].filter((each) => each !== undefined).map(networkAltName);
    return [...new Set([...ours, ...(hasOther ? ["somebody-elses-name"] : [])])];
  });

const anyOurBridge: fc.Arbitrary<KernelLink> = fc
  .record({
    alias: fc.constantFrom("", bridgeAlias("eth1"), bridgeAlias("eth2"), bridgeAlias(undefined)),
    altNames: anyAltNames,
    isUp: fc.boolean(),
    bridge: fc.constantFrom(OUR_SETTINGS, OUR_SETTINGS, {
      ...OUR_SETTINGS,
      vlanFiltering: false,
      defaultPvid: 1,
    }),
  })
  // Without an alias it was just made, and has neither ports nor networks.
  .map(({ alias, altNames, ...rest }) => {
    const names = alias === "" ? [] : altNames;
    return aLink("muster0", {
      kind: "bridge",
      group: BRIDGE_GROUP,
      alias,
      altNames: names,
      ...rest,
    });
  });

const anyForeignBridge = fc.constantFrom(
  aLink("muster0", { kind: "bridge", alias: "mine", bridge: OUR_SETTINGS }),
  aLink("muster0", {
    kind: "bridge",
    bridge: OUR_SETTINGS,
    altNames: ["muster.blue.vlan10.mtu1500"],
  }),
  aLink("muster0", { kind: "dummy" }),
);

const anyVlans: fc.Arbitrary<readonly PortVlan[]> = fc.uniqueArray(
  fc.constantFrom(tagged(10), tagged(20), tagged(77), untagged(30)),
  { selector: ({ vlan }) => vlan },
);

interface Drawn {
  readonly bridge: KernelLink | undefined;
  readonly uplink: KernelLink | undefined;
  readonly isAttached: boolean;
  readonly isFormerAttached: boolean;
  readonly uplinkVlans: readonly PortVlan[];
  readonly hasNic: boolean;
  readonly hasVlanDevice: boolean;
}

export const vlanMap = (vlans: readonly PortVlan[]): ReadonlyMap<number, PortVlan> =>
  new Map(vlans.map((each) => [each.vlan, each]));

function stateOf(drawn: Drawn): LinuxBridgeState {
  const { bridge, uplink } = drawn;
  const canHavePorts = bridge?.kind === "bridge" && bridge.alias !== "";
  const onBridge = canHavePorts ? { master: "muster0" } : {};
  // Only an uplink that the alias names was put there by us.
  const isAttached = canHavePorts && drawn.isAttached && uplink?.master === undefined;
  const attached = isAttached ? onBridge : {};
  const links = [
    aLink("br9", { kind: "bridge", alias: "theirs" }),
    aLink("eth9", { master: "br9" }),
    aLink("eth2", drawn.isFormerAttached ? onBridge : {}),
    ...(bridge === undefined ? [] : [bridge]),
    ...(uplink === undefined ? [] : [{ ...uplink, ...attached }]),
    ...(drawn.hasNic ? [aLink("vnet7", { kind: "tun", ...onBridge })] : []),
    ...(drawn.hasVlanDevice
      ? [aLink("eth1.20", { kind: "vlan", vlanOn: { device: "eth1", vlan: 20 } })]
      : []),
  ];
  const vlans = new Map([["eth9", vlanMap([tagged(10), tagged(20)])]]);
  if (isAttached) vlans.set("eth1", new Map(vlanMap(drawn.uplinkVlans)));
  if (drawn.isFormerAttached && canHavePorts) vlans.set("eth2", new Map(vlanMap([tagged(10)])));
  if (drawn.hasNic && canHavePorts) vlans.set("vnet7", new Map(vlanMap([untagged(10)])));
  return { links: new Map(links.map((link) => [link.name, link])), vlans };
}

export const anyLinuxState: fc.Arbitrary<LinuxBridgeState> = fc
  .record({
    bridge: fc.oneof(
      { weight: 2, arbitrary: fc.constant(undefined) },
      { weight: 6, arbitrary: anyOurBridge },
      { weight: 1, arbitrary: anyForeignBridge },
    ),
    uplink: fc.option(
      fc
        .record({
          mtu: fc.constantFrom(...UPLINK_MTUS),
          isUp: fc.boolean(),
          addresses: fc.constantFrom([], [], [], ["10.0.0.7/24"]),
          isTaken: fc.constantFrom(false, false, false, true),
        })
        .map(({ isTaken, ...rest }) =>
          aLink("eth1", { ...rest, ...(isTaken ? { master: "bond0" } : {}) }),
        ),
      { nil: undefined, freq: 8 },
    ),
    isAttached: fc.boolean(),
    isFormerAttached: fc.boolean(),
    uplinkVlans: anyVlans,
    hasNic: fc.boolean(),
    hasVlanDevice: fc.constantFrom(false, false, false, true),
  })
  .map(stateOf);
