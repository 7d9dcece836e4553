import { networkDefaults } from "@muster/model";
import { decodeNetworkSpec, encodeNetworkSpec } from "@muster/model/wire";
import { describe, expect, it } from "vitest";
import { networkOfFlags, parseSubnetFlag } from "./network-flags.ts";

const before = encodeNetworkSpec({
  ...networkDefaults,
  name: "blue",
  segment: { kind: "vlan", vlan: 10 },
});

const decoded = (flags: Parameters<typeof networkOfFlags>[1]) =>
  decodeNetworkSpec(networkOfFlags(before, flags), "spec");

describe("a network from flags", () => {
  it("changes what is given and nothing else", () => {
    expect(networkOfFlags(before, {})).toStrictEqual(before);
    expect(decoded({ mtu: 9000 })).toMatchObject({ mtu: 9000, segment: { vlan: 10 } });
  });

  it.each([
    [{ vlan: 20 }, { kind: "vlan", vlan: 20 }],
    [{ untagged: true }, { kind: "untagged" }],
    [{ vxlan: 7000 }, { kind: "vxlan", vni: 7000 }],
    [
      { trunk: "20-29,10" },
      {
        kind: "trunk",
        vlans: [
          { first: 10, last: 10 },
          { first: 20, last: 29 },
        ],
      },
    ],
  ])("%j is a kind", (flags, segment) => {
    expect(decoded(flags).segment).toStrictEqual(segment);
  });

  it("is of one kind", () => {
    expect(() => decoded({ vlan: 20, untagged: true })).toThrow("--vlan: give one of --vlan");
  });

  it("has subnets, guards, a pool of MACs and a choice of hosts", () => {
    const subnet = parseSubnetFlag(
      "10.1.0.0/24,gateway=10.1.0.1,range=10.1.0.10-10.1.0.99+10.1.0.200,exclude=10.1.0.50,dns=9.9.9.9,domain=example.org,dhcp=yes",
    );
    expect(
      decoded({ subnet: [subnet], guard: "mac+arp", macs: "prefix=52:54:00", labels: "rack=7" }),
    ).toMatchObject({
      subnets: [
        {
          cidr: "10.1.0.0/24",
          mode: "dhcp",
          gateway: "10.1.0.1",
          ranges: [
            { first: "10.1.0.10", last: "10.1.0.99" },
            { first: "10.1.0.200", last: "10.1.0.200" },
          ],
          exclusions: [{ first: "10.1.0.50", last: "10.1.0.50" }],
          domain: "example.org",
        },
      ],
      guards: { mac: true, arp: true, ipv4: false, ipv6: false },
      macs: { kind: "prefix", prefix: "52:54:00" },
      hosts: { kind: "labels" },
    });
  });

  it("says what is wrong with a subnet by name and number", () => {
    const outside = parseSubnetFlag("10.1.0.0/24,range=10.2.0.1-10.2.0.9");
    expect(() => decoded({ subnet: [outside] })).toThrow(
      "spec.subnets[0].ranges[0].first: 10.2.0.1 is outside the subnet 10.1.0.0/24",
    );
    const twice = [parseSubnetFlag("10.1.0.0/24"), parseSubnetFlag("10.1.0.128/25")];
    expect(() => decoded({ subnet: twice })).toThrow(
      "spec.subnets[1].cidr: 10.1.0.128/25 overlaps 10.1.0.0/24 of this network",
    );
  });
});
