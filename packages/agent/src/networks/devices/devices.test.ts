/** Which NICs an uplink means, and what is changed so that bonds and MTUs are as wanted. The kernel lab does it for real. */
import type { NicMatch, UplinkAssignment } from "@muster/model";
import { describe, expect, it } from "vitest";
import { noLayout, type HostLayout } from "../host-layout.ts";
import type { KernelLink } from "../links/kernel-links.ts";
import { aLink } from "../testing/a-link.ts";
import { demandOfDevices, type DeviceQuestion } from "./device-demand.ts";
import { DEVICE_GROUP, bondAlias, nicMark } from "./device-marks.ts";
import { findNics } from "./find-nics.ts";
import { planDevices } from "./plan-devices.ts";

const linksOf = (...links: KernelLink[]) => new Map(links.map((link) => [link.name, link]));
const named = (name: string): NicMatch => ({ by: "name", name });
const bond = {
  name: "bond0",
  mode: "active-backup",
  lacpRate: "slow",
  transmitHash: "layer2",
  miimonMs: 100,
  minLinks: 1,
} as const;
const uplink = (change: Partial<UplinkAssignment> = {}): UplinkAssignment => ({
  label: "lan",
  members: [named("eth1")],
  mtu: 1500,
  ...change,
});
const layout = (...uplinks: UplinkAssignment[]): HostLayout => ({ ...noLayout, uplinks });

const question = (change: Partial<DeviceQuestion>): DeviceQuestion => ({
  links: linksOf(aLink("eth0"), aLink("eth1"), aLink("eth2"), aLink("lo")),
  drivers: new Map(),
  layout: layout(uplink()),
  networks: [],
  configuredUplink: undefined,
  ownBridges: new Set(),
  bridgeOf: new Map(),
  ...change,
});

const demandIn = (change: Partial<DeviceQuestion>) => demandOfDevices(question(change));
const uplinkIn = (change: Partial<DeviceQuestion>) => demandIn(change).uplinks.get("lan");

const ourBond = (change: Partial<KernelLink> = {}): KernelLink =>
  aLink("bond0", {
    kind: "bond",
    alias: bondAlias,
    group: DEVICE_GROUP,
    bond: {
      mode: "active-backup",
      lacpRate: "slow",
      transmitHash: "layer2",
      miimonMs: 100,
      minLinks: 1,
    },
    ...change,
  });
const member = (name: string, change: Partial<KernelLink> = {}): KernelLink =>
  aLink(name, { master: "bond0", altNames: [`muster.nic.${name}.mtu1500.up`], ...change });

function plansFor(change: Partial<DeviceQuestion>) {
  const asked = question(change);
  const { prepare, tidy } = planDevices(demandOfDevices(asked), asked.links);
  const shown = (actions: typeof prepare) =>
    actions.map((action) => {
      const on = "device" in action ? action.device : action.bond;
      return "mtu" in action
        ? `${action.kind} ${on} ${String(action.mtu)}`
        : `${action.kind} ${on}`;
    });
  return { prepare: shown(prepare), tidy: shown(tidy) };
}

describe("findNics", () => {
  const devices = {
    links: linksOf(
      aLink("eth0", { altNames: ["enp1s0"] }),
      aLink("eth1", { macAddress: "52:54:00:00:00:09", permanentMac: "52:54:00:00:00:02" }),
      aLink("eth0.10", { kind: "vlan" }),
      aLink("mt1-0", { kind: "tun" }),
    ),
    drivers: new Map([
      ["eth0", "ixgbe"],
      ["eth1", "mlx5_core"],
    ]),
  };
  it.each<[NicMatch, readonly string[]]>([
    [named("eth0"), ["eth0"]],
    [named("enp1s0"), ["eth0"]],
    [named("eth0.10"), ["eth0.10"]],
    [named("eth*"), ["eth0", "eth1"]],
    [named("*"), ["eth0", "eth1"]],
    [{ by: "mac", mac: "52:54:00:00:00:01" }, ["eth0"]],
    [{ by: "mac", mac: "52:54:00:00:00:02" }, ["eth1"]],
    [{ by: "mac", mac: "52:54:00:00:00:09" }, []],
    [{ by: "driver", driver: "ixgbe" }, ["eth0"]],
    [{ by: "driver", driver: "mlx*" }, ["eth1"]],
    [{ by: "driver", driver: "i*e" }, []],
  ])("%j is %j", (match, found) => {
    expect(findNics(match, devices)).toEqual(found);
  });
});

describe("an uplink on a host", () => {
  it("is the first of its NICs that is there", () => {
    const members = [named("ens9"), named("eth2"), named("eth1")];
    expect(uplinkIn({ layout: layout(uplink({ members })) })).toEqual({
      label: "lan",
      device: "eth2",
      members: [],
      mtu: 1500,
      problem: "",
    });
  });

  it("is all of its NICs as a bond, in their order", () => {
    const members = [named("eth2"), named("eth*")];
    const { uplinks, bonds } = demandIn({ layout: layout(uplink({ members, bond, mtu: 9000 })) });
    expect(uplinks.get("lan")).toMatchObject({
      device: "bond0",
      members: ["eth2", "eth0", "eth1"],
    });
    expect(bonds.get("bond0")).toMatchObject({ mtu: 9000, owner: "uplink lan" });
  });

  it.each<[string, Partial<DeviceQuestion>, string]>([
    [
      "there is no such NIC",
      { layout: layout(uplink({ members: [named("ens9"), { by: "driver", driver: "mlx*" }] })) },
      "this host has no NIC ens9, NIC of driver mlx*; it has eth0, eth1, eth2",
    ],
    [
      "two fit",
      { layout: layout(uplink({ members: [named("eth*")] })) },
      "NIC eth* fits 3 NICs, eth0, eth1, eth2: name one, or make a bond of them",
    ],
    [
      "another uplink has it",
      { layout: layout(uplink({ label: "dmz" }), uplink()) },
      "eth1 is already used by uplink dmz",
    ],
    [
      "the host's own bond has it",
      { layout: { ...layout(uplink()), bonds: [{ ...bond, members: [named("eth1")] }] } },
      "eth1 is already used by bond bond0",
    ],
    [
      "the NIC cannot do the MTU",
      {
        links: linksOf(aLink("eth1", { mtuMax: 1504 })),
        layout: layout(uplink({ mtu: 9000 })),
      },
      "MTU 9000 is above 1504, the most that eth1 can do",
    ],
    [
      "a member carries an address",
      {
        links: linksOf(aLink("eth1", { addresses: ["10.0.0.5/24"] })),
        layout: layout(uplink({ bond })),
      },
      "eth1 carries address 10.0.0.5/24: making it a member of bond0 could cut this host off",
    ],
    [
      "a member is a port of somebody's bridge",
      { layout: layout(uplink({ bond })), bridgeOf: new Map([["eth1", "br0"]]) },
      "eth1 belongs to br0 and cannot be a member of bond0",
    ],
    [
      "a member is the configured uplink",
      { layout: layout(uplink({ bond })), configuredUplink: "eth1" },
      "eth1 is the uplink in this agent's configuration and cannot be a member of bond0",
    ],
    [
      "somebody else's bond has the name",
      {
        links: linksOf(aLink("eth1"), aLink("bond0", { kind: "bond" })),
        layout: layout(uplink({ bond })),
      },
      "device bond0 exists and was not made by muster; choose another name for the bond",
    ],
  ])("is refused when %s", (_when, change, problem) => {
    expect(uplinkIn(change)).toMatchObject({ device: "", problem });
  });

  it("may be the host's own bond, which then has the larger MTU", () => {
    const own = { ...bond, members: [named("eth1")] };
    const { uplinks, bonds } = demandIn({
      layout: { ...layout(uplink({ members: [named("bond0")], mtu: 9000 })), bonds: [own] },
    });
    expect(uplinks.get("lan")).toMatchObject({ device: "bond0", problem: "" });
    expect(bonds.get("bond0")?.mtu).toBe(9000);
  });

  it("works without a member that is not there, and says so", () => {
    const members = [named("eth1"), named("ens9")];
    expect(uplinkIn({ layout: layout(uplink({ members, bond })) })).toMatchObject({
      device: "bond0",
      members: ["eth1"],
      problem: "bond0 works without NIC ens9: not on this host",
    });
  });
});

describe("planDevices", () => {
  it("marks a NIC before it changes, and raises MTUs from the bottom up", () => {
    expect(
      plansFor({
        layout: layout(uplink({ members: [named("eth1"), named("eth2")], bond, mtu: 9000 })),
      }),
    ).toEqual({
      prepare: [
        "create-bond bond0",
        "mark-bond bond0",
        "mark-nic eth1",
        "lower-link eth1",
        "join-bond eth1",
        "mark-nic eth2",
        "lower-link eth2",
        "join-bond eth2",
        "raise-link bond0",
        "set-mtu eth1 9000",
        "set-mtu eth2 9000",
        "set-mtu bond0 9000",
      ],
      tidy: [],
    });
  });

  it("lowers MTUs from the top down, when everything above has been lowered", () => {
    const links = linksOf(ourBond({ mtu: 9000 }), member("eth1", { mtu: 9000 }));
    expect(plansFor({ links, layout: layout(uplink({ bond })) })).toEqual({
      prepare: [],
      tidy: ["set-mtu bond0 1500", "set-mtu eth1 1500"],
    });
  });

  it("changes the mode of a bond without members", () => {
    const links = linksOf(ourBond(), member("eth1"));
    const lacp = { ...bond, mode: "802.3ad", lacpRate: "fast" } as const;
    expect(plansFor({ links, layout: layout(uplink({ bond: lacp })) }).prepare).toEqual([
      "leave-bond eth1",
      "lower-link bond0",
      "change-mode bond0",
      "lower-link eth1",
      "join-bond eth1",
      "raise-link bond0",
    ]);
  });

  it("makes NICs that nobody needs what they were, and never touches others", () => {
    const links = linksOf(
      ourBond({ mtu: 9000 }),
      member("eth1", { mtu: 9000 }),
      aLink("bond7", { kind: "bond" }),
      aLink("eth7", { master: "bond7" }),
    );
    expect(plansFor({ links, layout: noLayout })).toEqual({
      prepare: ["leave-bond eth1", "delete-bond bond0"],
      tidy: ["set-mtu eth1 1500", "unmark-nic eth1"],
    });
  });

  it("reads how a NIC was from its mark", () => {
    expect(
      nicMark(aLink("eth1", { altNames: ["enp1s0", "muster.nic.eth1.mtu9000.down"] })),
    ).toEqual({
      altName: "muster.nic.eth1.mtu9000.down",
      mtu: 9000,
      isUp: false,
    });
    expect(nicMark(aLink("eth1", { altNames: ["muster.nic.eth1", "enp1s0"] }))).toBeUndefined();
  });
});
