import {
  defaultVirtualClusterSettings,
  networkDefaults,
  type NetworkRecord,
  type NetworkSpec,
  type OperationId,
  type VirtualClusterSettings,
} from "@muster/model";
import { SimulatedClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { Observations } from "../observations/observations.ts";
import { addressBook, freeCountOf } from "../planning/address-book.ts";
import { clusterSnapshot } from "../planning/cluster-snapshot.ts";
import {
  aHost,
  anInventory,
  aSpec,
  aVm,
  readyNetwork,
  report,
  viewOf,
  vmIdOf,
  WHEN,
  type Put,
} from "../testing/builders.ts";
import { aTemplate, aVirtualCluster } from "../testing/virtual-clusters.ts";
import { decideBoot, parseClusterName, type BootRequest } from "./decide-boot.ts";

const settings = (change: Partial<VirtualClusterSettings> = {}): Put => [
  "virtual-cluster-settings",
  { ...defaultVirtualClusterSettings, vlans: [{ first: 100, last: 101 }], ...change },
];

const network = (name: string, vlan: number, change: Partial<NetworkSpec> = {}): Put => [
  "network",
  {
    spec: { ...networkDefaults, name, segment: { kind: "vlan", vlan }, ...change },
    createdAt: WHEN,
    removing: false,
  } satisfies NetworkRecord,
];

const hosts: readonly Put[] = [1, 2, 3].map((number) => ["host", aHost(number)] as const);

const campus = (cidr: string, gateway?: string): Put =>
  network("campus", 10, {
    subnets: [
      {
        ...{ cidr, mode: "static", dns: [], ranges: [], exclusions: [], nat: false },
        ...(gateway === undefined ? {} : { gateway }),
      },
    ],
  });

function decide(records: readonly Put[], change: Partial<BootRequest> = {}) {
  const view = viewOf(...records);
  const observations = new Observations(new SimulatedClock());
  const inventory = anInventory({ memoryBytes: 64n * 1024n ** 3n });
  for (const number of [1, 2, 3]) {
    report(observations, number, [], { inventory, networks: [readyNetwork("campus")] });
  }
  const capacity = { cpuOvercommit: 4, memoryReservedBytes: 0n, vmsPerHostMax: 100 };
  let idCount = 0;
  const request: BootRequest = {
    ...{ name: "pc", image: "", frontend: aTemplate(), compute: aTemplate(), createdBy: "ann" },
    computes: { kind: "count", count: 2, cpusEach: 1 },
    ...change,
  };
  return decideBoot(request, {
    view,
    snapshot: clusterSnapshot(view, observations, capacity),
    wildMacs: new Set(),
    newVmId: () => vmIdOf((idCount += 1)),
    now: WHEN,
  });
}

describe("a virtual cluster is decided as a whole", () => {
  it("with everything it needs in one transaction, held by its operation", () => {
    const { changes, explanation } = decide([...hosts, settings()]);
    const written = changes("op-1" as OperationId);
    const kinds = ["virtual-cluster", "network", "vm", "vm", "vm", "cluster"];
    expect(written.map(({ kind }) => kind)).toStrictEqual(kinds);
    const held = written.filter(({ kind }) => kind !== "cluster");
    expect(held.every(({ value }) => "operationId" in value)).toBe(true);
    expect(explanation[0]).toBe("network pc-private: VLAN 100, 10.1.0.0/16");
  });

  it("on different hosts, with MACs of their own", () => {
    const { vms } = decide([...hosts, settings()]);
    const computes = vms.slice(1);
    expect(new Set(computes.map(({ placement }) => placement?.hostId)).size).toBe(2);
    const macs = vms.flatMap(({ spec }) => spec.nics.map(({ mac }) => mac));
    expect(new Set(macs).size).toBe(3);
  });

  it("and tells guests that are booted from a kernel who they are", () => {
    const kernel = {
      kernelPath: "/k",
      initrdPath: "",
      commandLine: "name={name} {role} addr={addresses} gw={gateway} {other}",
    };
    const template = aTemplate({ kernel });
    const { vms } = decide(
      [...hosts, settings({ publicNetwork: "campus" }), campus("203.0.113.0/24", "203.0.113.1")],
      {
        ...{ frontend: template, compute: template },
        publicAddress: { address: "203.0.113.50", fullName: "pc.example.edu" },
      },
    );
    expect(vms.map(({ spec }) => spec.kernel?.commandLine)).toStrictEqual([
      "name=pc frontend addr=10.1.1.1/16,203.0.113.50/24 gw=203.0.113.1 {other}",
      "name=compute-0 compute addr=10.1.255.254/16 gw=10.1.1.1 {other}",
      "name=compute-1 compute addr=10.1.255.253/16 gw=10.1.1.1 {other}",
    ]);
  });

  it("on the lowest VLAN that no network and no trunk has", () => {
    const trunk = network("lab", 0, {
      segment: { kind: "trunk", vlans: [{ first: 90, last: 100 }] },
    });
    expect(decide([...hosts, settings(), trunk]).network.spec.segment).toStrictEqual({
      kind: "vlan",
      vlan: 101,
    });
  });

  it("with the CPUs that are asked for, never one twice", () => {
    const frontend = aTemplate({ cpus: 4 });
    const { vms } = decide([...hosts, settings({ cpusReserved: 1 })], {
      frontend,
      computes: { kind: "cpus", total: 16 },
    });
    expect(vms.map(({ spec }) => spec.cpus)).toStrictEqual([4, 7, 7, 2]);
  });
});

describe("a virtual cluster is refused", () => {
  const taken: readonly Put[] = [network("a", 100), network("b", 101)];
  it.each<readonly [string, readonly Put[], Partial<BootRequest>, string]>([
    ["without VLANs", [settings({ vlans: [] })], {}, "virtual clusters have no VLANs"],
    ["when all are taken", [settings(), ...taken], {}, "all VLANs of virtual clusters are taken"],
    [
      "under the name of another",
      [settings(), ["virtual-cluster", aVirtualCluster("pc")]],
      {},
      "there is already a virtual cluster named pc",
    ],
    [
      "when a VM has a member's name",
      [settings(), ["vm", aVm(9, { spec: aSpec("vm-pc-1") })]],
      {},
      "there is already a VM named vm-pc-1",
    ],
    [
      "when both sides of its frontend would be one subnet",
      [settings({ publicNetwork: "campus" }), campus("10.1.2.0/24")],
      {},
      "the private subnet of virtual clusters overlaps 10.1.2.0/24",
    ],
    [
      "when no host may run it",
      [settings({ hosts: { kind: "pool", pool: "gpu" } })],
      {},
      "no host may run virtual clusters",
    ],
    [
      "when it is too large for the CPUs there are",
      [settings()],
      { computes: { kind: "cpus", total: 100 } },
      "there is not enough capacity for 100 CPUs: 23 are free for pc",
    ],
    [
      "when it is too large for one transaction",
      [settings()],
      { computes: { kind: "count", count: 100, cpusEach: 1 } },
      "pc would need 100 computes, at most 99 fit",
    ],
  ])("%s", (_name, records, change, message) => {
    expect(() => decide([...hosts, ...records], change)).toThrow(message);
  });

  it("with numbers for each host", () => {
    const wish = { computes: { kind: "cpus", total: 100 } } as const;
    const error = (() => {
      try {
        return decide([...hosts, settings({ cpusReserved: 8 })], wish);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toMatchObject({
      reasons: [
        "h2: 8 CPUs, 8 reserved, 0 used: none free",
        "h3: 8 CPUs, 8 reserved, 0 used: none free",
        "h1: 8 CPUs, 8 reserved, 1 used: none free",
      ],
    });
  });

  it.each([
    ["a.b", "has a dot"],
    ["x".repeat(56), "56 characters, at most 55"],
  ])("under the name %s", (name, message) => {
    expect(() => parseClusterName(name, "name")).toThrow(message);
  });
});

describe("public addresses that are free", () => {
  const range = { first: "203.0.113.50", last: "203.0.113.59" };
  const free = (change: object): bigint => {
    const view = viewOf(campus("203.0.113.0/24", "203.0.113.1"));
    const record = view.networks.get("campus");
    const [subnet] = record?.spec.subnets ?? [];
    if (record === undefined || subnet === undefined) throw new Error("there is no campus");
    const spec = { ...record.spec, subnets: [{ ...subnet, ...change }] };
    return freeCountOf(spec, addressBook(view, spec));
  };

  it("are those that would be given out", () => {
    // The gateway is not among them, and takes none away.
    expect(free({ ranges: [range] })).toBe(10n);
    expect(free({})).toBe(253n);
    const exclusions = [{ first: "203.0.113.1", last: "203.0.113.4" }];
    expect(free({ exclusions })).toBe(250n);
  });
});
