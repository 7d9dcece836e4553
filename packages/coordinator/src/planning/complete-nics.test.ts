import type { NetworkSpec, SubnetSpec, VmSpec } from "@muster/model";
import type { NicDraft } from "@muster/model/wire";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aNetwork, aSpec, aVm, viewOf, vmIdOf, WHEN, type Put } from "../testing/builders.ts";
import { completeNics } from "./complete-nics.ts";

const aSubnet = (change: Partial<SubnetSpec> = {}): SubnetSpec => ({
  cidr: "10.1.0.0/24",
  mode: "static",
  gateway: "10.1.0.1",
  dns: [],
  ranges: [],
  exclusions: [],
  nat: false,
  ...change,
});

const network = (subnets: readonly SubnetSpec[], change: Partial<NetworkSpec> = {}) => {
  const record = aNetwork("blue");
  return { ...record, spec: { ...record.spec, subnets, ...change } };
};

type Records = readonly Put[];

const complete = (records: Records, name: string, ...nics: readonly NicDraft[]) =>
  completeNics(viewOf(...records), { name, nics }, { vmId: vmIdOf(99), wildMacs: new Set() }).nics;

const addressesOf = (records: Records, name: string, ...nics: readonly NicDraft[]) =>
  complete(records, name, ...nics).map(({ addresses }) => addresses);

const withAddress = (number: number, ...addresses: readonly string[]): Records[number] => {
  const nics = [{ network: "blue", mac: `02:00:00:00:00:0${String(number)}`, addresses }];
  return ["vm", aVm(number, { spec: aSpec(`vm-${String(number)}`, { nics }) })];
};

const reserved = (address: string, name: string): Records[number] => [
  "address",
  { network: "blue", address, name, createdAt: WHEN },
];

const blue: NicDraft = { network: "blue" };

describe("addresses of new VMs", () => {
  it("are the lowest that are free: not the gateway, not excluded, not had by others", () => {
    const exclusions = [{ first: "10.1.0.3", last: "10.1.0.9" }];
    const records: Records = [
      ["network", network([aSubnet({ exclusions })])],
      withAddress(1, "10.1.0.2"),
    ];
    expect(addressesOf(records, "web", blue, blue)).toStrictEqual([["10.1.0.10"], ["10.1.0.11"]]);
  });

  it("are one of each subnet, of both families", () => {
    const six = aSubnet({ cidr: "2001:db8::/64", gateway: "2001:db8::1" });
    const records: Records = [["network", network([aSubnet(), six])]];
    expect(addressesOf(records, "web", blue)).toStrictEqual([["10.1.0.2", "2001:db8::2"]]);
  });

  it("are none where there is no subnet, or none is wanted", () => {
    expect(addressesOf([["network", network([])]], "web", blue)).toStrictEqual([undefined]);
    const records: Records = [["network", network([aSubnet()])]];
    expect(addressesOf(records, "web", { network: "blue", addresses: [] })).toStrictEqual([
      undefined,
    ]);
  });

  it("are those that are reserved for the VM's name, and nobody else's", () => {
    const records: Records = [
      ["network", network([aSubnet()])],
      reserved("10.1.0.2", "printer"),
      reserved("10.1.0.77", "web"),
    ];
    expect(addressesOf(records, "web", blue, blue)).toStrictEqual([["10.1.0.77"], ["10.1.0.3"]]);
    expect(addressesOf(records, "db", blue)).toStrictEqual([["10.1.0.3"]]);
    const wish = { network: "blue", addresses: ["10.1.0.77"] };
    expect(addressesOf(records, "web", wish)).toStrictEqual([["10.1.0.77"]]);
    expect(() => addressesOf(records, "db", wish)).toThrow("it is reserved for web");
  });

  it("come from the ranges, and a wish may lie outside them", () => {
    const ranges = [
      { first: "10.1.0.100", last: "10.1.0.100" },
      { first: "10.1.0.50", last: "10.1.0.50" },
    ];
    const records: Records = [["network", network([aSubnet({ ranges })])]];
    expect(addressesOf(records, "web", blue, blue)).toStrictEqual([["10.1.0.50"], ["10.1.0.100"]]);
    expect(() => addressesOf(records, "web", blue, blue, blue)).toThrow(
      "nics[2]: all 2 addresses of 10.1.0.0/24 on network blue are taken",
    );
    const wish = { network: "blue", addresses: ["10.1.0.7"] };
    expect(addressesOf(records, "web", wish)).toStrictEqual([["10.1.0.7"]]);
  });

  it.each([
    ["10.2.0.1", "nics[0].addresses[0]: 10.2.0.1 is in no subnet of network blue"],
    ["10.1.0.0", "is the network or broadcast address of 10.1.0.0/24"],
    ["10.1.0.255", "is the network or broadcast address of 10.1.0.0/24"],
    ["10.1.0.1", "is taken: it is the gateway"],
    ["10.1.0.4", "is taken: VM vm-1 has it"],
    ["10.1.0.200", "10.1.0.200 is excluded in 10.1.0.0/24"],
  ])("a wish for %s is refused", (address, words) => {
    const exclusions = [{ first: "10.1.0.200", last: "10.1.0.201" }];
    const records: Records = [
      ["network", network([aSubnet({ exclusions })])],
      withAddress(1, "10.1.0.4"),
    ];
    expect(() => complete(records, "web", { network: "blue", addresses: [address] })).toThrow(
      words,
    );
  });
});

describe("trunks", () => {
  const trunk = network([], {
    segment: {
      kind: "trunk",
      vlans: [
        { first: 10, last: 12 },
        { first: 13, last: 20 },
      ],
    },
  });
  const vlans = (first: number, last: number): NicDraft => ({
    network: "blue",
    trunk: [{ first, last }],
  });

  it("may be narrowed, not widened", () => {
    expect(complete([["network", trunk]], "web", vlans(11, 14))[0]?.trunk).toHaveLength(1);
    expect(() => complete([["network", trunk]], "web", vlans(19, 21))).toThrow(
      "nics[0].trunk: VLANs 19-21 are not all in network blue",
    );
    expect(() => complete([["network", network([])]], "web", vlans(10, 10))).toThrow(
      "nics[0].trunk: network blue is no trunk but VLAN 10",
    );
  });
});

describe("200 creates one after the other", () => {
  /** VMs come and go; what a record has is taken, what none has is free. */
  it("never share an address or a MAC, whatever is deleted in between", () => {
    const anyNetwork = fc.record({
      kind: fc.constantFrom("cluster" as const, "random" as const),
      exclusions: fc.constantFrom([], [{ first: "10.1.0.5", last: "10.1.0.60" }]),
      hasIpv6: fc.boolean(),
    });
    const anyDeletions = fc.array(fc.nat({ max: 199 }), { maxLength: 60 });
    fc.assert(
      fc.property(anyNetwork, anyDeletions, ({ kind, exclusions, hasIpv6 }, deletions) => {
        const subnets = [
          aSubnet({ cidr: "10.1.0.0/23", exclusions }),
          ...(hasIpv6 ? [aSubnet({ cidr: "2001:db8::/120", gateway: "2001:db8::1" })] : []),
        ];
        const view = viewOf(["network", network(subnets, { macs: { kind } })]);
        for (let number = 0; number < 200; number += 1) {
          const { nics, macCount } = completeNics(
            view,
            { name: `vm-${String(number)}`, nics: [blue] },
            { vmId: vmIdOf(number * 0x1_00_01), wildMacs: new Set() },
          );
          const spec: VmSpec = aSpec(`vm-${String(number)}`, { nics });
          view.put("vm", aVm(number, { spec }));
          view.put("cluster", { ...view.cluster, macCount });
          if (deletions.includes(number)) {
            const gone = [...view.vms.values()][number % view.vms.size];
            if (gone !== undefined) view.remove("vm", gone);
          }
        }
        const nics = [...view.vms.values()].flatMap((vm) => vm.spec.nics);
        const addresses = nics.flatMap((nic) => nic.addresses ?? []);
        expect(new Set(addresses).size).toBe(addresses.length);
        expect(addresses).toHaveLength(nics.length * subnets.length);
        expect(new Set(nics.map(({ mac }) => mac)).size).toBe(nics.length);
      }),
      { numRuns: 10 },
    );
  });
});
