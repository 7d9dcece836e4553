import { parseVmId, vlanOf } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { demandOf } from "../network-demand.ts";
import type { NicPlug } from "../network-driver.ts";
import { aLink } from "../testing/a-link.ts";
import { isOurTap, tapAlias, tapName } from "./linux-bridge-marks.ts";
import type { LinuxBridgeState } from "./linux-bridge-state.ts";
import { planLinuxBridge } from "./plan-linux-bridge.ts";
import { planPlug, planUnplug, type TapAction } from "./plan-tap.ts";
import {
  afterLinuxBridgeAction,
  afterTapAction,
  tagged,
  untagged,
} from "./testing/after-linux-action.ts";
import { vlanMap } from "./testing/linux-bridge-arbitraries.ts";

const config = { bridge: "muster0", uplink: "eth1" };
const blue = aNetwork({ name: "blue", vlan: 10 });
const green = aNetwork({ name: "green", vlan: 20, mtu: 1400 });
const vmId = parseVmId("6f1c2b52-8f0e-4b0c-9c58-0a1b2c3d4e5f");
const otherVmId = parseVmId("11111111-8f0e-4b0c-9c58-0a1b2c3d4e5f");
const nic: NicPlug = { vmId, index: 0, mac: "52:54:00:00:00:0a", network: blue };
const TAP = "mt1b2c3d4e5f-0";

function hostWithNetworks(): LinuxBridgeState {
  const bare: LinuxBridgeState = { links: new Map([["eth1", aLink("eth1")]]), vlans: new Map() };
  const wanted = new Map([blue, green].map(demandOf).map((network) => [network.name, network]));
  return planLinuxBridge(bare, wanted, config).actions.reduce(afterLinuxBridgeAction, bare);
}

const carryOut = (state: LinuxBridgeState, actions: readonly TapAction[]) =>
  actions.reduce(afterTapAction, state);

function plug(state: LinuxBridgeState, wanted: NicPlug): readonly TapAction[] {
  const plan = planPlug(state, wanted, config);
  if (!plan.ok) throw new Error(plan.reason);
  return plan.actions;
}

const withTap = (change: Parameters<typeof aLink>[1], name = TAP): LinuxBridgeState => {
  const host = hostWithNetworks();
  return { ...host, links: new Map(host.links).set(name, aLink(name, change)) };
};

describe("planPlug", () => {
  it("makes a tap that is on its VLAN before it is up", () => {
    expect(plug(hostWithNetworks(), nic)).toEqual([
      { kind: "create-tap", device: TAP },
      {
        kind: "dress-tap",
        device: TAP,
        alias: `muster:tap vm=${vmId} nic=0`,
        macAddress: "fe:54:00:00:00:0a",
        mtu: 1500,
      },
      { kind: "attach-tap", device: TAP, bridge: "muster0" },
      { kind: "put-tap-on-vlan", device: TAP, vlan: 10 },
      { kind: "raise-tap", device: TAP },
    ]);
  });

  it.each([
    ["a network that is not here", { ...nic, network: { ...blue, name: "red" } }, /not set up/],
    [
      "another VLAN than here",
      { ...nic, network: aNetwork({ name: "blue", vlan: 11 }) },
      /VLAN 10 and MTU 1500/,
    ],
    ["frames too large", { ...nic, network: { ...blue, mtu: 1501 } }, /1501 is above the 1500/],
    ["the 101st NIC", { ...nic, index: 100 }, /at most 100 NICs, not 101/],
  ])("refuses %s", (_what, wanted, reason) => {
    const plan = planPlug(hostWithNetworks(), wanted, config);
    expect(plan).toEqual({ ok: false, reason: expect.stringMatching(reason) as string });
  });

  it.each([
    ["another VM's tap", { kind: "tun", alias: tapAlias(otherVmId, 0) }],
    ["something else of that name", { kind: "dummy" }],
    ["a tap that somebody else uses", { kind: "tun", master: "br9" }],
  ])("leaves %s alone", (_what, change) => {
    const state = withTap(change);
    expect(planPlug(state, nic, config)).toEqual({
      ok: false,
      reason: `device ${TAP} exists and is not a tap of this VM`,
    });
    expect(planUnplug(state, vmId)).toEqual([]);
  });

  it("goes on with a tap that the agent had no time to mark", () => {
    const state = withTap({ kind: "tun", isUp: false });
    expect(plug(state, nic).map(({ kind }) => kind)).not.toContain("create-tap");
    expect(planUnplug(state, vmId)).toEqual([{ kind: "remove-tap", device: TAP }]);
  });
});

describe("every plan for a tap", () => {
  const anyTap = fc.record({
    alias: fc.constantFrom(tapAlias(vmId, 0), ""),
    isUp: fc.boolean(),
    mtu: fc.constantFrom(1500, 1400),
    macAddress: fc.constantFrom("fe:54:00:00:00:0a", "02:00:00:00:00:01"),
    isOnBridge: fc.boolean(),
    vlans: fc.subarray([tagged(10), untagged(20), tagged(30)]),
  });
  const anyState = fc.option(anyTap, { nil: undefined }).map((drawn) => {
    if (drawn === undefined) return hostWithNetworks();
    const { isOnBridge, vlans, ...change } = drawn;
    // One that is not marked yet is on no bridge.
    const isAttached = isOnBridge && drawn.alias !== "";
    const state = withTap({ kind: "tun", ...change, ...(isAttached ? { master: "muster0" } : {}) });
    if (!isAttached) return state;
    return { ...state, vlans: new Map(state.vlans).set(TAP, vlanMap(vlans)) };
  });
  const anyNic = fc.constantFrom(nic, { ...nic, network: green });

  it("reaches the tap as wanted, also when an earlier one was cut short", () => {
    fc.assert(
      fc.property(anyState, anyNic, fc.nat(), (state, wanted, random) => {
        const actions = plug(state, wanted);
        const cut = carryOut(state, actions.slice(0, random % (actions.length + 1)));
        const reached = carryOut(cut, plug(cut, wanted));
        expect(plug(reached, wanted)).toEqual([]);
        expect(reached).toEqual(carryOut(state, actions));
        expect([...(reached.vlans.get(TAP)?.values() ?? [])]).toEqual([
          untagged(vlanOf(wanted.network)),
        ]);
      }),
    );
  });

  it("leaves nothing after the VM, and the network's own bridge alone", () => {
    fc.assert(
      fc.property(anyState, anyNic, (state, wanted) => {
        const plugged = carryOut(state, plug(state, wanted));
        const reached = carryOut(plugged, planUnplug(plugged, vmId));
        expect([...reached.links.values()].filter(isOurTap)).toEqual([]);
        expect(reached).toEqual(hostWithNetworks());
      }),
    );
  });
});

describe("tapName", () => {
  it("fits the kernel's 15 characters and differs between NICs and VMs", () => {
    expect(tapName(vmId, 99)).toBe("mt1b2c3d4e5f-99");
    expect(tapName(vmId, 99).length).toBe(15);
    expect(tapName(vmId, 1)).not.toBe(tapName(vmId, 2));
  });
});
