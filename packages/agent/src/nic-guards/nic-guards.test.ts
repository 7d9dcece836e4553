import { parseVmId, type VmAssignment } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { describe, expect, it } from "vitest";
import { linkLocalOf, nicGuardsOf, type NicGuard } from "./nic-guard.ts";
import { guardTableOf } from "./nftables-rules.ts";
import { countCookies, flowsOf, planFlows } from "./openflow-rules.ts";

const vmId = parseVmId("b0000000-0000-4000-8000-000000000001");
const all = { mac: true, arp: true, ipv4: true, ipv6: true };
const guard: NicGuard = {
  ...{ vmId, index: 0, mac: "52:54:00:0a:00:05", guards: all },
  ...{ ipv4: ["10.10.0.5"], ipv6: ["fe80::5054:ff:fe0a:5"] },
};

describe("what is guarded", () => {
  const nic = {
    network: "blue",
    mac: "52:54:00:0a:00:05",
    addresses: ["10.10.0.5", "2001:db8::5"],
  };
  const vm = (change: Partial<typeof nic & { unguarded: boolean }>): VmAssignment => ({
    ...{ id: vmId, name: "web-1", generation: 1 },
    nics: [{ ...nic, ...change }],
  });
  const blue = aNetwork({ name: "blue", vlan: 10, guards: all });
  const guardsOf = (assigned: VmAssignment, network = blue) =>
    nicGuardsOf([assigned], (name) => (name === network.name ? network : undefined));

  it("is every NIC of a network with guards, by its own addresses", () => {
    expect(guardsOf(vm({}))).toEqual([{ ...guard, ipv6: ["fe80::5054:ff:fe0a:5", "2001:db8::5"] }]);
  });

  it("is not a NIC that was let off, nor one of a network without guards", () => {
    expect(guardsOf(vm({ unguarded: true }))).toEqual([]);
    expect(guardsOf(vm({}), aNetwork({ name: "blue", vlan: 10 }))).toEqual([]);
  });

  it("is on a trunk no more than the MAC", () => {
    const segment = { kind: "trunk", vlans: [{ first: 20, last: 29 }] } as const;
    const [found] = guardsOf(vm({}), { ...blue, segment });
    expect(found?.guards).toEqual({ mac: true, arp: false, ipv4: false, ipv6: false });
  });

  it.each([
    ["52:54:00:0a:00:05", "fe80::5054:ff:fe0a:5"],
    ["02:00:00:00:00:01", "fe80::0:ff:fe00:1"],
  ])("link-local addresses are made of the MAC %s", (mac, address) => {
    expect(linkLocalOf(mac)).toBe(address);
  });
});

describe("flows of a guard", () => {
  const { cookie, flows } = flowsOf(guard, 7);
  const present = new Map([[cookie, flows.length]]);

  it("end with a rule for whatever is left", () => {
    expect(flows.at(-1)).toMatch(/in_port=7,actions=drop$/);
    const macOff = flowsOf({ ...guard, guards: { ...all, mac: false } }, 7);
    expect(macOff.flows.at(-1)).toMatch(/in_port=7,actions=NORMAL$/);
  });

  it("are left alone when they are there, and put back when one is missing", () => {
    expect(planFlows(present, [{ cookie, flows }])).toEqual([]);
    const short = new Map([[cookie, flows.length - 1]]);
    expect(planFlows(short, [{ cookie, flows }]).length).toBe(flows.length);
  });

  it("are replaced when the port or an address is another", () => {
    const moved = flowsOf(guard, 8);
    expect(moved.cookie).not.toBe(cookie);
    const [first, ...rest] = planFlows(present, [moved]);
    expect(first).toBe(`delete cookie=${cookie}/-1`);
    expect(rest.every((line) => line.startsWith("add "))).toBe(true);
  });

  it("are counted as ovs-ofctl prints them", () => {
    const dump = ` cookie=${cookie}, priority=31000 actions=drop\n cookie=${cookie}, priority=2 actions=NORMAL\n`;
    expect(countCookies(dump)).toEqual(new Map([[cookie, 2]]));
  });
});

describe("the table of guards", () => {
  it("has a mark that changes with anything in it", () => {
    const { mark } = guardTableOf([guard]);
    expect(guardTableOf([guard]).mark).toBe(mark);
    expect(guardTableOf([{ ...guard, ipv4: ["10.10.0.6"] }]).mark).not.toBe(mark);
  });

  it("is removed with the last guard", () => {
    expect(guardTableOf([]).script).not.toContain("chain");
  });
});
