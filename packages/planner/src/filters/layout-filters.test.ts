/** The rules about NUMA cells, storage and groups: who passes, who fails, and the figures of the refusal. */
import { describe, expect, it } from "vitest";
import { whyNot } from "../place.ts";
import type { Refusal } from "../refusal.ts";
import type { PlaceRequest, Snapshot } from "../snapshot.ts";
import { GiB, aClaim, aHost, aRequest, aSnapshot, aVm } from "../testing/builders.ts";

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

describe("hard rules of layout", () => {
  it.each([...numaCases, ...storageCases, ...groupCases])(
    "$name",
    ({ snapshot, request, refusals }) => {
      expect(whyNot(snapshot, request, "h1")).toEqual(refusals);
    },
  );
});
