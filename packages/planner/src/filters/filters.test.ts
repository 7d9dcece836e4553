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
  {
    name: "a network that does not work there, with what is known of why",
    snapshot: oneHost({
      networks: ["blue"],
      networkProblems: [{ network: "green", problem: "no carrier", required: false }],
    }),
    request: aRequest({ networks: ["blue", "green", "red"] }),
    refusals: [
      {
        check: "networks-present",
        missing: ["green", "red"],
        problems: [{ network: "green", problem: "no carrier" }],
      },
    ],
  },
  {
    name: "an optional network that does not work concerns only VMs on it",
    snapshot: oneHost({
      networks: ["blue"],
      networkProblems: [{ network: "green", problem: "no carrier", required: false }],
    }),
    request: aRequest({ networks: ["blue"] }),
    refusals: [],
  },
  {
    name: "a required network that does not work concerns every VM with a NIC",
    snapshot: oneHost({
      networks: ["blue"],
      networkProblems: [{ network: "storage", problem: "no carrier", required: true }],
    }),
    request: aRequest({ networks: ["blue"] }),
    refusals: [
      { check: "required-networks", problems: [{ network: "storage", problem: "no carrier" }] },
    ],
  },
  {
    name: "a required network that does not work concerns no VM without NICs",
    snapshot: oneHost({
      networkProblems: [{ network: "storage", problem: "no carrier", required: true }],
    }),
    request: aRequest({}),
    refusals: [],
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

describe("hard rules", () => {
  it.each([...hostCases, ...roomCases])("$name", ({ snapshot, request, refusals }) => {
    expect(whyNot(snapshot, request, "h1")).toEqual(refusals);
  });

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
