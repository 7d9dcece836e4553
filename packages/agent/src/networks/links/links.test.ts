import { describe, expect, it } from "vitest";
import { parseBridgeVlans } from "./bridge-vlans.ts";
import { parseKernelLinks } from "./kernel-links.ts";

/** What iproute2 6.1 prints, without the fields nobody reads. */
const links = JSON.stringify([
  {
    ifname: "muster0",
    flags: ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
    mtu: 1500,
    group: "19821",
    address: "06:49:74:1e:57:51",
    linkinfo: {
      info_kind: "bridge",
      info_data: { stp_state: 0, vlan_filtering: 1, vlan_default_pvid: 0, mcast_snooping: 0 },
    },
    ifalias: "muster:bridge uplink=eth1",
    altnames: ["muster.blue.vlan10.mtu1500"],
    addr_info: [
      { family: "inet6", local: "fe80::449:74ff:fe1e:5751", prefixlen: 64, scope: "link" },
    ],
  },
  {
    ifname: "eth1",
    flags: ["NO-CARRIER", "BROADCAST", "MULTICAST", "UP"],
    mtu: 9000,
    master: "muster0",
    group: "default",
    address: "52:54:00:ee:00:01",
    addr_info: [
      { family: "inet", local: "10.0.0.7", prefixlen: 24, scope: "global" },
      { family: "inet6", local: "fd00::7", prefixlen: 64, scope: "global" },
    ],
  },
  {
    ifname: "eth1.10",
    link: "eth1",
    flags: ["BROADCAST"],
    mtu: 1500,
    linkinfo: { info_kind: "vlan", info_data: { protocol: "802.1Q", id: 10 } },
  },
]);

describe("parseKernelLinks", () => {
  it("reads what networks need to know", () => {
    const parsed = parseKernelLinks(links);
    expect(parsed.get("muster0")).toEqual({
      name: "muster0",
      kind: "bridge",
      alias: "muster:bridge uplink=eth1",
      group: "19821",
      altNames: ["muster.blue.vlan10.mtu1500"],
      macAddress: "06:49:74:1e:57:51",
      mtu: 1500,
      isUp: true,
      hasCarrier: true,
      addresses: [],
      bridge: {
        vlanFiltering: true,
        defaultPvid: 0,
        multicastSnooping: false,
        spanningTree: false,
      },
    });
    expect(parsed.get("eth1")).toMatchObject({
      kind: "",
      master: "muster0",
      isUp: true,
      hasCarrier: false,
      addresses: ["10.0.0.7/24", "fd00::7/64"],
    });
    expect(parsed.get("eth1.10")?.vlanOn).toEqual({ device: "eth1", vlan: 10 });
  });

  it.each([
    ["{", /cannot read the list of network devices/],
    ['{"a":1}', /cannot read the list of network devices/],
    ['[{"ifname":"eth0","flags":[],"mtu":"1500"}]', /cannot read MTU of eth0/],
    ['[{"ifname":7}]', /cannot read a network device's name/],
  ])("refuses %s by name", (text, message) => {
    expect(() => parseKernelLinks(text)).toThrow(message);
  });
});

describe("parseBridgeVlans", () => {
  it("reads flags and ranges", () => {
    const text = JSON.stringify([
      { ifname: "eth1", vlans: [{ vlan: 10 }, { vlan: 20, vlanEnd: 22 }] },
      { ifname: "tap0", vlans: [{ vlan: 10, flags: ["PVID", "Egress Untagged"] }] },
      { ifname: "muster0" },
    ]);
    const parsed = parseBridgeVlans(text);
    expect([...(parsed.get("eth1")?.keys() ?? [])]).toEqual([10, 20, 21, 22]);
    expect(parsed.get("tap0")?.get(10)).toEqual({ vlan: 10, isPvid: true, isUntagged: true });
    expect(parsed.get("muster0")?.size).toBe(0);
  });

  it("takes silence for no VLANs", () => {
    expect(parseBridgeVlans("").size).toBe(0);
  });
});
