/** Each hard rule: a host that passes, a host that fails, and the figures of the refusal. */
import { describe, expect, it } from "vitest";
import { whyNot } from "../place.ts";
import type { Refusal } from "../refusal.ts";
import type { PlaceRequest, Snapshot } from "../snapshot.ts";
import { GiB, MiB, aClaim, aHost, aRequest, aSnapshot, aVm } from "../testing/builders.ts";

interface Case {
  readonly name: string;
  readonly snapshot: Snapshot;
  readonly request: PlaceRequest;
  readonly refusals: readonly Refusal[];
}

const oneHost = (
  host: Parameters<typeof aHost>[1],
  rest: Partial<Omit<Snapshot, "hosts">> = {},
): Snapshot => aSnapshot({ ...rest, hosts: [aHost("h1", host), aHost("h2")] });

const hostCases: readonly Case[] = [
  {
    name: "a plain host takes a plain VM",
    snapshot: oneHost({}),
    request: aRequest(),
    refusals: [],
  },
  {
    name: "host state",
    snapshot: oneHost({ state: "unknown" }),
    request: aRequest(),
    refusals: [{ check: "host-is-online", state: "unknown" }],
  },
  {
    name: "cordon",
    snapshot: oneHost({ cordoned: true }),
    request: aRequest(),
    refusals: [{ check: "host-is-not-cordoned" }],
  },
  {
    name: "excluded by the request",
    snapshot: oneHost({}),
    request: aRequest({}, { exclude: [{ hostId: "h1", why: "start failed there" }] }),
    refusals: [{ check: "host-is-not-excluded", why: "start failed there" }],
  },
  {
    name: "source of a migration",
    snapshot: oneHost({}),
    request: aRequest({}, { fromHostId: "h1" }),
    refusals: [{ check: "host-is-not-excluded", why: "the VM is leaving it" }],
  },
  {
    name: "pinned elsewhere",
    snapshot: oneHost({}),
    request: aRequest({ pinnedTo: ["h2"] }),
    refusals: [{ check: "pinned", pinnedTo: ["h2"] }],
  },
  {
    name: "another pool",
    snapshot: oneHost({ pool: "red" }),
    request: aRequest({ pool: "blue" }),
    refusals: [{ check: "pool", wanted: "blue", found: "red" }],
  },
  {
    name: "kept for other tenants",
    snapshot: oneHost({ tenants: ["physics"] }),
    request: aRequest({ tenant: "biology" }),
    refusals: [{ check: "tenant", tenant: "biology", allowed: ["physics"] }],
  },
  {
    name: "kept for its own tenant",
    snapshot: oneHost({ tenants: ["physics"] }),
    request: aRequest({ tenant: "physics" }),
    refusals: [],
  },
  {
    name: "environment",
    snapshot: oneHost({ environment: "PRD" }),
    request: aRequest({ environment: "DEV" }),
    refusals: [{ check: "environment", wanted: "DEV", found: "PRD", allowed: ["PRD"] }],
  },
  {
    name: "environment let in by the site",
    snapshot: oneHost(
      { environment: "PRD" },
      { policy: { environments: { PRD: ["PRD", "DEV"] } } },
    ),
    request: aRequest({ environment: "DEV" }),
    refusals: [],
  },
  {
    name: "labels",
    snapshot: oneHost({ labels: { gpu: "none", disk: "ssd" } }),
    request: aRequest({ hostLabels: { gpu: "a100", disk: "ssd", row: "2" } }),
    refusals: [
      {
        check: "host-labels",
        missing: [
          { key: "gpu", wanted: "a100", found: "none" },
          { key: "row", wanted: "2", found: null },
        ],
      },
    ],
  },
  {
    name: "machine type",
    snapshot: oneHost({ machineTypes: ["pc-q35-7.2"] }),
    request: aRequest({ machineType: "pc-q35-9.0" }),
    refusals: [{ check: "machine-type", wanted: "pc-q35-9.0" }],
  },
  {
    name: "CPU model and features",
    snapshot: oneHost({ cpuModels: ["Skylake"], cpuFeatures: ["avx2"] }),
    request: aRequest({ cpuModel: "Icelake", cpuFeatures: ["avx2", "avx512f"] }),
    refusals: [{ check: "cpu-compatible", model: "Icelake", missingFeatures: ["avx512f"] }],
  },
  {
    name: "network",
    snapshot: oneHost({ networks: ["blue"] }),
    request: aRequest({ networks: ["blue", "green", "red"] }),
    refusals: [{ check: "networks-present", missing: ["green", "red"] }],
  },
];

const roomCases: readonly Case[] = [
  {
    name: "CPUs after reserve, overcommit, wild VMs, stopped VMs and claims",
    snapshot: oneHost(
      {
        capacity: { cpus: 8, cpusReserved: 1, cpuOvercommit: 2 },
        foreign: { cpus: 2, memoryBytes: 0n },
      },
      {
        vms: [aVm("v1", { hostId: "h1", cpus: 4, state: "stopped" })],
        claims: [aClaim("v2", "h1", { cpus: 4 })],
      },
    ),
    request: aRequest({ cpus: 5 }),
    refusals: [{ check: "enough-cpu", wanted: 5, free: 4, short: 1, capacity: 14, overcommit: 2 }],
  },
  {
    name: "memory after reserve, wild VMs and claims",
    snapshot: oneHost(
      { capacity: { memoryReservedBytes: 2n * GiB }, foreign: { cpus: 0, memoryBytes: 1n * GiB } },
      { claims: [aClaim("v2", "h1", { memoryBytes: 4n * GiB })] },
    ),
    request: aRequest({ memoryBytes: 10n * GiB }),
    refusals: [{ check: "enough-memory", wanted: 10240, free: 9216, short: 1024, capacity: 14336 }],
  },
  {
    name: "memory that just fits",
    snapshot: oneHost({}),
    request: aRequest({ memoryBytes: 16n * GiB }),
    refusals: [],
  },
  {
    name: "hugepages are not ordinary memory",
    snapshot: oneHost({
      capacity: { hugepages: [{ pageBytes: 2n * MiB, count: 4096 }] },
    }),
    request: aRequest({ memoryBytes: 9n * GiB }),
    refusals: [{ check: "enough-memory", wanted: 9216, free: 8192, short: 1024, capacity: 8192 }],
  },
  {
    name: "hugepages used by another VM",
    snapshot: oneHost(
      { capacity: { hugepages: [{ pageBytes: 2n * MiB, count: 4096 }] } },
      { vms: [aVm("v1", { hostId: "h1", memoryBytes: 6n * GiB, hugepageBytes: 2n * MiB })] },
    ),
    request: aRequest({ memoryBytes: 3n * GiB, hugepageBytes: 2n * MiB }),
    refusals: [
      {
        check: "enough-hugepages",
        pageKiB: 2048,
        wanted: 3072,
        free: 2048,
        short: 1024,
        capacity: 8192,
      },
    ],
  },
  {
    name: "hugepages of a size no host has",
    snapshot: oneHost({}),
    request: aRequest({ memoryBytes: 1n * GiB, hugepageBytes: 1n * GiB }),
    refusals: [
      {
        check: "enough-hugepages",
        pageKiB: 1048576,
        wanted: 1024,
        free: 0,
        short: 1024,
        capacity: 0,
      },
    ],
  },
  {
    name: "number of VMs",
    snapshot: oneHost({ capacity: { vmsMax: 1 } }, { vms: [aVm("v1", { hostId: "h1" })] }),
    request: aRequest(),
    refusals: [{ check: "vms-per-host", vms: 1, max: 1 }],
  },
];

const twoCells = [0, 1].map((id) => ({ id, cpus: 4, memoryBytes: 8n * GiB }));

const numaCases: readonly Case[] = [
  {
    name: "NUMA cells too full for a VM that would fit the host",
    snapshot: oneHost(
      { capacity: { cpus: 8, numaCells: twoCells } },
      {
        vms: [
          aVm("v1", { hostId: "h1", cpus: 3, numaCells: 1, numaCellIds: [0] }),
          aVm("v2", { hostId: "h1", cpus: 3, numaCells: 1, numaCellIds: [1] }),
        ],
      },
    ),
    request: aRequest({ cpus: 2, numaCells: 1 }),
    refusals: [
      {
        check: "numa-fit",
        cellsWanted: 1,
        cpusPerCell: 2,
        memoryMiBPerCell: 1024,
        cells: [
          { id: 0, freeCpus: 1, freeMemoryMiB: 7168 },
          { id: 1, freeCpus: 1, freeMemoryMiB: 7168 },
        ],
      },
    ],
  },
  {
    name: "a VM laid out over both NUMA cells",
    snapshot: oneHost({ capacity: { cpus: 8, numaCells: twoCells } }),
    request: aRequest({ cpus: 8, memoryBytes: 16n * GiB, numaCells: 2 }),
    refusals: [],
  },
  {
    name: "a host without NUMA cells",
    snapshot: oneHost({}),
    request: aRequest({ numaCells: 1 }),
    refusals: [
      { check: "numa-fit", cellsWanted: 1, cpusPerCell: 1, memoryMiBPerCell: 1024, cells: [] },
    ],
  },
];

const storageCases: readonly Case[] = [
  {
    name: "storage out of reach",
    snapshot: oneHost({ storages: [{ name: "nfs", freeBytes: 10n * GiB, shared: true }] }),
    request: aRequest({
      disks: [
        { storage: "nfs", sizeBytes: 1n * GiB },
        { storage: "ceph", sizeBytes: 1n * GiB },
      ],
    }),
    refusals: [{ check: "storages-reachable", missing: ["ceph"] }],
  },
  {
    name: "storage space after claims, disks of one storage summed",
    snapshot: oneHost(
      { storages: [{ name: "ssd", freeBytes: 10n * GiB, shared: false }] },
      { claims: [aClaim("v1", "h1", { disks: [{ storage: "ssd", sizeBytes: 4n * GiB }] })] },
    ),
    request: aRequest({
      disks: [
        { storage: "ssd", sizeBytes: 4n * GiB },
        { storage: "ssd", sizeBytes: 3n * GiB },
      ],
    }),
    refusals: [
      {
        check: "storage-space",
        storage: "ssd",
        wantedMiB: 7168,
        freeMiB: 6144,
        shortMiB: 1024,
      },
    ],
  },
  {
    name: "a move on shared storage copies nothing",
    snapshot: aSnapshot({
      hosts: ["h1", "h2"].map((id) =>
        aHost(id, { storages: [{ name: "nfs", freeBytes: 0n, shared: true }] }),
      ),
      vms: [aVm("vm-new", { hostId: "h2", disks: [{ storage: "nfs", sizeBytes: 5n * GiB }] })],
    }),
    request: aRequest({ disks: [{ storage: "nfs", sizeBytes: 5n * GiB }] }, { fromHostId: "h2" }),
    refusals: [],
  },
  {
    name: "a move between local storages copies everything",
    snapshot: aSnapshot({
      hosts: ["h1", "h2"].map((id) =>
        aHost(id, { storages: [{ name: "ssd", freeBytes: 1n * GiB, shared: false }] }),
      ),
      vms: [aVm("vm-new", { hostId: "h2", disks: [{ storage: "ssd", sizeBytes: 5n * GiB }] })],
    }),
    request: aRequest({ disks: [{ storage: "ssd", sizeBytes: 5n * GiB }] }, { fromHostId: "h2" }),
    refusals: [
      { check: "storage-space", storage: "ssd", wantedMiB: 5120, freeMiB: 1024, shortMiB: 4096 },
    ],
  },
];

const racks = (...names: readonly string[]) =>
  names.map((rack, index) => aHost(`h${index + 1}`, { failureDomain: ["s", "r", rack] }));

const groupCases: readonly Case[] = [
  {
    name: "anti-affinity with a running VM and a claim elsewhere",
    snapshot: oneHost({}, { vms: [aVm("web-1", { hostId: "h1", antiAffinity: ["web"] })] }),
    request: aRequest({ antiAffinity: ["web"] }),
    refusals: [
      {
        check: "group-rules",
        rule: "anti-affinity:web",
        mode: "spread",
        level: "host",
        domain: "h1",
        members: ["web-1"],
        memberCount: 1,
        max: 1,
      },
    ],
  },
  {
    name: "anti-affinity with a claim",
    snapshot: oneHost({}, { claims: [aClaim("web-1", "h1", { antiAffinity: ["web"] })] }),
    request: aRequest({ antiAffinity: ["web"] }),
    refusals: [
      {
        check: "group-rules",
        rule: "anti-affinity:web",
        mode: "spread",
        level: "host",
        domain: "h1",
        members: ["web-1"],
        memberCount: 1,
        max: 1,
      },
    ],
  },
  {
    name: "at most two in a rack",
    snapshot: aSnapshot({
      hosts: racks("a", "a", "b"),
      rules: [
        { name: "db", group: "db", mode: "spread", strength: "required", level: "rack", max: 2 },
      ],
      vms: [
        aVm("db-1", { hostId: "h1", groups: ["db"] }),
        aVm("db-2", { hostId: "h2", groups: ["db"] }),
      ],
    }),
    request: aRequest({ groups: ["db"] }),
    refusals: [
      {
        check: "group-rules",
        rule: "db",
        mode: "spread",
        level: "rack",
        domain: "s/r/a",
        members: ["db-1", "db-2"],
        memberCount: 2,
        max: 2,
      },
    ],
  },
  {
    name: "all in one rack",
    snapshot: aSnapshot({
      hosts: racks("a", "b"),
      rules: [{ name: "mpi", group: "mpi", mode: "pack", strength: "required", level: "rack" }],
      vms: [aVm("mpi-1", { hostId: "h2", groups: ["mpi"] })],
    }),
    request: aRequest({ groups: ["mpi"] }),
    refusals: [
      {
        check: "group-rules",
        rule: "mpi",
        mode: "pack",
        level: "rack",
        domain: "s/r/a",
        members: ["mpi-1"],
        memberCount: 1,
        max: 1,
      },
    ],
  },
  {
    name: "a preferred rule refuses nothing",
    snapshot: oneHost(
      {},
      {
        rules: [{ name: "soft", group: "g", mode: "spread", strength: "preferred", level: "host" }],
        vms: [aVm("v1", { hostId: "h1", groups: ["g"] })],
      },
    ),
    request: aRequest({ groups: ["g"] }),
    refusals: [],
  },
];

describe("hard rules", () => {
  it.each([...hostCases, ...roomCases, ...numaCases, ...storageCases, ...groupCases])(
    "$name",
    ({ snapshot, request, refusals }) => {
      expect(whyNot(snapshot, request, "h1")).toEqual(refusals);
    },
  );

  it("a host that does not exist is refused by name", () => {
    expect(whyNot(aSnapshot(), aRequest(), "gone")).toEqual([
      { check: "host-exists", hostId: "gone" },
    ]);
  });

  it("a guest that sees its host's processor needs all of it after a live move", () => {
    const snapshot = aSnapshot({
      hosts: [aHost("h1", { cpuFeatures: ["sse"] }), aHost("h2", { cpuFeatures: ["sse", "avx"] })],
      vms: [aVm("vm-new", { hostId: "h2", cpuMode: "host" })],
    });
    const request = aRequest({ cpuMode: "host" }, { fromHostId: "h2" });
    expect(whyNot(snapshot, request, "h1")).toEqual([
      { check: "cpu-compatible", model: null, missingFeatures: ["avx"] },
    ]);
    expect(whyNot(snapshot, aRequest({ cpuMode: "host" }), "h1")).toEqual([]);
  });
});
