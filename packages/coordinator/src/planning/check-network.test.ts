import { networkDefaults, type NetworkSpec, type UplinkSpec } from "@muster/model";
import { describe, expect, it } from "vitest";
import {
  aHost,
  aNetwork,
  aSpec,
  aVm,
  onHost,
  viewOf,
  WHEN,
  type Put,
} from "../testing/builders.ts";
import { checkChange, checkNetwork } from "./check-network.ts";
import { checkUplink, checkUplinkRemoval } from "./check-uplink.ts";

const subnet = (cidr: string) =>
  ({ cidr, mode: "static", dns: [], ranges: [], exclusions: [], nat: false }) as const;

const network = (name: string, change: Partial<NetworkSpec> = {}): NetworkSpec => ({
  ...networkDefaults,
  name,
  segment: { kind: "vlan", vlan: 20 },
  ...change,
});

const defined = (name: string, change: Partial<NetworkSpec> = {}): Put => [
  "network",
  { ...aNetwork(name), spec: network(name, { segment: { kind: "vlan", vlan: 10 }, ...change }) },
];

const uplink = (change: Partial<UplinkSpec> = {}): UplinkSpec => ({
  label: "lan",
  hosts: { kind: "all" },
  members: [{ by: "name", name: "eth1" }],
  mtu: 1500,
  ...change,
});

const uplinked = (change: Partial<UplinkSpec> = {}): Put => [
  "uplink",
  { spec: uplink(change), createdAt: WHEN },
];

const host1: Put = ["host", aHost(1)];

describe("a network on its way from VLAN 10 to VLAN 11", () => {
  const now = network("blue", {
    segment: { kind: "vlan", vlan: 11 },
    subnets: [subnet("10.2.0.0/16")],
  });
  const before = network("blue", {
    segment: { kind: "vlan", vlan: 10 },
    subnets: [subnet("10.1.0.0/16")],
  });
  const blue: Put = [
    "network",
    {
      ...aNetwork("blue"),
      spec: now,
      operationId: "op-000003",
      rollout: { previous: { spec: before }, told: [] },
    },
  ];

  it("holds both, as it may have to go back", () => {
    const until = " until its change (op-000003) has reached every host";
    for (const [vlan, message] of [
      [10, `VLAN 10 is already network blue${until}`],
      [11, "VLAN 11 is already network blue"],
    ] as const) {
      expect(() => {
        checkNetwork(viewOf(blue), network("red", { segment: { kind: "vlan", vlan } }));
      }).toThrow(message);
    }
    for (const cidr of ["10.1.7.0/24", "10.2.7.0/24"]) {
      expect(() => {
        checkNetwork(viewOf(blue), network("red", { subnets: [subnet(cidr)] }));
      }).toThrow(`${cidr} overlaps`);
    }
  });

  it("may be changed again to what it was", () => {
    expect(() => {
      checkNetwork(viewOf(blue), before);
    }).not.toThrow();
  });
});

describe("a network is refused", () => {
  it.each<readonly [string, readonly Put[], Partial<NetworkSpec>, string]>([
    [
      "when its VLAN is in use",
      [defined("blue")],
      { segment: { kind: "vlan", vlan: 10 } },
      "VLAN 10 is already network blue",
    ],
    [
      "when its VXLAN is in use",
      [defined("blue", { segment: { kind: "vxlan", vni: 7 } })],
      { segment: { kind: "vxlan", vni: 7 } },
      "VXLAN 7 is already network blue",
    ],
    [
      "when its subnet overlaps another's",
      [defined("blue", { subnets: [subnet("10.1.0.0/16")] })],
      { subnets: [subnet("10.1.7.0/24")] },
      "spec.subnets[0].cidr: 10.1.7.0/24 overlaps 10.1.0.0/16 of network blue",
    ],
    [
      "when its uplink does not exist",
      [host1, uplinked()],
      { uplink: "wan" },
      'spec.uplink: there is no uplink "wan"',
    ],
    [
      "when hosts have no such uplink",
      [host1, uplinked({ hosts: { kind: "named", names: ["h2"] } })],
      { uplink: "lan" },
      "spec.uplink: 1 hosts that should have network green have no uplink lan",
    ],
    [
      "when its MTU is above the uplink's",
      [host1, uplinked()],
      { uplink: "lan", mtu: 9000 },
      "spec.mtu: MTU 9000 is above that of uplink lan",
    ],
    [
      "when VXLAN's headers do not fit the uplink",
      [host1, uplinked()],
      { uplink: "lan", segment: { kind: "vxlan", vni: 7 } },
      "spec.mtu: MTU 1500 with 50 bytes of VXLAN headers is above that of uplink lan",
    ],
    [
      "when a host it names does not exist",
      [host1],
      { hosts: { kind: "named", names: ["h9"] } },
      'there is no host "h9"',
    ],
  ])("%s", (_when, records, change, words) => {
    expect(() => {
      checkNetwork(viewOf(...records), network("green", change));
    }).toThrow(words);
  });

  it("unless the same VLAN is on another uplink", () => {
    const view = viewOf(host1, uplinked(), defined("blue"));
    const spec = network("green", { uplink: "lan", segment: { kind: "vlan", vlan: 10 } });
    expect(() => {
      checkNetwork(view, spec);
    }).not.toThrow();
  });
});

describe("a change of a network is refused", () => {
  const nics = [{ network: "blue", mac: "02:00:00:00:00:01", addresses: ["10.1.0.5"] }];
  const vm: Put = ["vm", aVm(1, { spec: aSpec("vm-1", { nics }), placement: onHost(1) })];
  const view = viewOf(host1, vm, defined("blue", { subnets: [subnet("10.1.0.0/24")] }));

  it("when addresses or hosts of its VMs would fall out, with every reason", () => {
    const spec = network("blue", {
      subnets: [subnet("10.2.0.0/24")],
      hosts: { kind: "pool", pool: "gpu" },
    });
    let reasons: readonly string[] = [];
    try {
      checkChange(view, spec);
    } catch (error) {
      ({ reasons } = error as { readonly reasons: readonly string[] });
    }
    expect(reasons).toStrictEqual([
      "VM vm-1 has 10.1.0.5, which would be in no subnet",
      `VM vm-1 is on host ${aHost(1).name}, which would no longer have it`,
    ]);
  });
});

describe("an uplink is refused", () => {
  it("when two definitions fit one host equally exactly", () => {
    const traits = { pool: "gpu", labels: { rack: "7" } };
    const both: Put = ["host", aHost(1, { traits })];
    const rack = { kind: "labels", terms: [{ kind: "equals", key: "rack", value: "7" }] } as const;
    const view = viewOf(both, uplinked({ hosts: rack }));
    const gpu = { kind: "labels", terms: [{ kind: "has", key: "rack" }] } as const;
    expect(() => {
      checkUplink(view, uplink({ hosts: gpu }));
    }).toThrow("uplink lan for rack fits 1 hosts that it is already defined for by rack=7");
    expect(() => {
      checkUplink(view, uplink({ hosts: { kind: "pool", pool: "gpu" } }));
    }).not.toThrow();
  });

  it("when a network on it needs more", () => {
    const view = viewOf(
      host1,
      uplinked({ mtu: 9000 }),
      defined("blue", { uplink: "lan", mtu: 9000 }),
    );
    expect(() => {
      checkUplink(view, uplink());
    }).toThrow("spec.mtu: MTU 1500 is below that of 1 networks on uplink lan");
  });

  it("when it would leave a network without one", () => {
    const view = viewOf(host1, uplinked(), defined("blue", { uplink: "lan" }));
    expect(() => {
      checkUplinkRemoval(view, "lan", { kind: "all" });
    }).toThrow("uplink lan carries 1 networks");
    expect(() => {
      checkUplinkRemoval(view, "lan", { kind: "named", names: ["h1"] });
    }).toThrow("there is no uplink lan for h1");
  });
});

describe("an isolated network", () => {
  const own = { subnets: [subnet("10.1.0.0/16")], isolated: true };

  it("may have the subnet of another, and another may have its", () => {
    const view = viewOf(host1, defined("blue", { subnets: [subnet("10.1.0.0/16")] }));
    expect(() => {
      checkNetwork(view, network("red", own));
    }).not.toThrow();
    expect(() => {
      checkNetwork(viewOf(host1, defined("blue", own)), network("red", { subnets: own.subnets }));
    }).not.toThrow();
  });

  it("is on a segment of its own all the same", () => {
    const view = viewOf(host1, defined("blue", own));
    const twin = network("red", { ...own, segment: { kind: "vlan", vlan: 10 } });
    expect(() => {
      checkNetwork(view, twin);
    }).toThrow("VLAN 10 is already network blue");
  });

  it("is not routed by hosts, as no network is", () => {
    const routed = network("red", { ...own, subnets: [{ ...subnet("10.1.0.0/16"), nat: true }] });
    expect(() => {
      checkNetwork(viewOf(host1), routed);
    }).toThrow("spec.subnets[0].nat: hosts do not translate addresses yet");
  });
});
