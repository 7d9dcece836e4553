/** What people can send wrong over the real API: a clear refusal that names the field, and nothing changes. */
import { aNetwork } from "@muster/model/testing";
import { encodeNetworkSpec, encodeNic } from "@muster/model/wire";
import { AdminService, VmChange, type CreateVmRequest } from "@muster/proto/admin";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aVmSpec, RealCluster } from "./real-cluster.ts";

const TEST_MS = 30_000;
const UINT32_MAX = 4_294_967_295;
let cluster: RealCluster;

beforeAll(async () => {
  cluster = await RealCluster.start({ hosts: 1 });
}, TEST_MS);
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

const invalid = (field: string, problem: RegExp) => ({
  code: "invalid",
  message: expect.stringMatching(new RegExp(`${field}: .*${problem.source}`)) as string,
});

const create = (change: Partial<CreateVmRequest>): Promise<unknown> =>
  cluster.client.unary(AdminService.createVm, {
    spec: aVmSpec("web"),
    stopped: false,
    host: "",
    why: undefined,
    rules: undefined,
    claim: "",
    ...change,
  });

/** Operations, VMs and networks: a refusal makes none. */
function census(): readonly number[] {
  const { operations, vms, networks, invites } = cluster.daemon.coordinator.ledger.view;
  return [operations.size, vms.size, networks.size, invites.size];
}

async function refused(request: Promise<unknown>, problem: object): Promise<void> {
  const before = census();
  await expect(request).rejects.toMatchObject(problem);
  expect(census()).toStrictEqual(before);
}

describe("a VM", { timeout: TEST_MS }, () => {
  it.each([
    ["without a spec", { spec: undefined }, invalid("spec", /is required/)],
    ["without a name", { spec: aVmSpec("") }, invalid("name", /a name is required/)],
    ["with spaces in its name", { spec: aVmSpec("my web") }, invalid("name", /is not a name/)],
    ["with a name in capitals", { spec: aVmSpec("Web") }, invalid("name", /is not a name/)],
    ["with a line in its name", { spec: aVmSpec("a\nb") }, invalid("name", /is not a name/)],
    ["with a long name", { spec: aVmSpec("a".repeat(64)) }, invalid("name", /at most 63/)],
    ["with markup in its name", { spec: aVmSpec("<a/>") }, invalid("name", /is not a name/)],
    ["without CPUs", { spec: aVmSpec("web", { cpus: 0 }) }, invalid("cpus", /0/)],
    ["with too many CPUs", { spec: aVmSpec("web", { cpus: UINT32_MAX }) }, invalid("cpus", /\d/)],
    ["without memory", { spec: aVmSpec("web", { memoryBytes: 0n }) }, invalid("memoryBytes", /0/)],
    [
      "with all the memory there could be",
      { spec: aVmSpec("web", { memoryBytes: (1n << 64n) - 1n }) },
      invalid("memoryBytes", /\d/),
    ],
    [
      "on a storage with a path in its name",
      {
        spec: aVmSpec("web", {
          disks: [{ storage: "../etc", sizeBytes: 1024n ** 3n, baseVolume: "" }],
        }),
      },
      invalid("disks\\[0\\].storage", /is not a name/),
    ],
    [
      "with a disk of nothing",
      { spec: aVmSpec("web", { disks: [{ storage: "shared", sizeBytes: 0n, baseVolume: "" }] }) },
      invalid("disks\\[0\\].sizeBytes", /0/),
    ],
    [
      "with a multicast MAC",
      {
        spec: aVmSpec("web", { nics: [encodeNic({ network: "blue", mac: "01:00:00:00:00:01" })] }),
      },
      invalid("nics\\[0\\].mac", /multicast/),
    ],
    [
      "on a network that is not defined",
      { spec: aVmSpec("web", { nics: [encodeNic({ network: "red" })] }) },
      invalid("nics\\[0\\].network", /there is no network "red"/),
    ],
    [
      "for a reason as long as a book",
      { why: { reason: "x".repeat(1_001), dryRun: false, requestId: "" } },
      invalid("reason", /at most 1000/),
    ],
  ] as const)("%s is refused", async (_what, change, problem) => {
    await refused(create(change), problem);
  });

  it("with a size below zero is refused", async () => {
    // The wire has no such number: it never leaves the client.
    await refused(create({ spec: aVmSpec("web", { cpus: -1 }) }), { name: "MusterError" });
    await refused(create({ spec: aVmSpec("web", { memoryBytes: -1n }) }), { name: "MusterError" });
  });

  it("for a host that is not there is refused by its name", async () => {
    await refused(create({ host: "no such host" }), {
      code: "not-found",
      message: 'there is no host "no such host"',
    });
  });

  it("that nobody knows cannot be changed, moved or asked about", async () => {
    const vm = "no such vm";
    const problem = { code: "not-found", message: 'there is no VM "no such vm"' };
    const { client } = cluster;
    await refused(client.unary(AdminService.getVm, { vm }), problem);
    const change = { vm, graceMs: 0, keepVolumes: false, why: undefined };
    await refused(
      client.unary(AdminService.changeVm, { ...change, change: VmChange.STOP }),
      problem,
    );
    const move = { bandwidthMibPerSecond: 0, noAutoConverge: false, copyStorage: false };
    await refused(
      client.unary(AdminService.migrateVm, {
        ...move,
        vm,
        host: "",
        downtimeLimitMs: 0,
        why: undefined,
      }),
      problem,
    );
  });

  it.each([
    [VmChange.UNSPECIFIED, 0, invalid("change", /is required/)],
    [99 as VmChange, 0, invalid("change", /newer/)],
    [VmChange.STOP, UINT32_MAX, invalid("grace_ms", /at most 3600000/)],
  ])("asked for change %i with grace %i refuses", async (change, graceMs, problem) => {
    const request = { vm: "any", change, graceMs, keepVolumes: false, why: undefined };
    await refused(cluster.client.unary(AdminService.changeVm, request), problem);
  });
});

describe("a network", { timeout: TEST_MS }, () => {
  const createNetwork = (spec: object | undefined): Promise<unknown> =>
    cluster.client.unary(AdminService.createNetwork, {
      spec:
        spec === undefined
          ? undefined
          : { ...encodeNetworkSpec(aNetwork({ name: "blue" })), ...spec },
      why: undefined,
    });

  it.each([
    ["without a spec", undefined, invalid("spec", /is required/)],
    ["with VLAN 5000", { vlan: 5_000 }, invalid("vlan", /5000 is not a VLAN id/)],
    ["with VLAN 0", { vlan: 0 }, invalid("vlan", /0 is not a VLAN id/)],
    ["with VLAN 4095", { vlan: 4_095 }, invalid("vlan", /4095 is not a VLAN id/)],
    ["with spaces in its name", { name: "my net" }, invalid("name", /is not a name/)],
    ["with a tiny MTU", { mtu: 1 }, invalid("mtu", /1/)],
    ["with a huge MTU", { mtu: 100_000 }, invalid("mtu", /100000/)],
  ] as const)("%s is refused", async (_what, spec, problem) => {
    await refused(createNetwork(spec), problem);
  });

  it("for a host that is not there is refused", async () => {
    await refused(createNetwork({ hosts: ["h1", "h9"] }), {
      code: "not-found",
      message: 'there is no host "h9"',
    });
  });

  it("that is not there cannot be deleted", async () => {
    const request = { name: "red", overrideProtected: false, why: undefined };
    await refused(cluster.client.unary(AdminService.deleteNetwork, request), {
      code: "not-found",
      message: 'there is no network "red"',
    });
  });
});

describe("an invitation", { timeout: TEST_MS }, () => {
  it.each([
    ["with spaces", { name: "my host", validSeconds: 60 }, invalid("name", /is not a name/)],
    ["for a year", { name: "h2", validSeconds: 31_536_000 }, invalid("valid_seconds", /at most/)],
    ["of a host that has joined", { name: "h1", validSeconds: 60 }, { code: "already-exists" }],
  ])("%s is refused", async (_what, request, problem) => {
    const asked = cluster.client.unary(AdminService.inviteHost, { ...request, why: undefined });
    await refused(asked, problem);
  });
});

describe("an operation that is not there", { timeout: TEST_MS }, () => {
  it.each(["", "op", "op-zzzzzz", "../../etc/passwd", "x".repeat(10_000)])("%#", async (id) => {
    await refused(cluster.client.unary(AdminService.getOperation, { id }), { code: "not-found" });
    const cancel = { id, why: undefined };
    await refused(cluster.client.unary(AdminService.cancelOperation, cancel), {
      code: "not-found",
    });
  });
});

describe("a request of a hundred megabytes", { timeout: TEST_MS }, () => {
  it("is refused, and the coordinator goes on", async () => {
    const reason = "x".repeat(100 * 1024 * 1024);
    await refused(create({ why: { reason, dryRun: false, requestId: "" } }), {});
    const { hosts } = await cluster.client.unary(AdminService.listHosts, {});
    expect(hosts.map(({ name }) => name)).toStrictEqual(["h1"]);
  });
});
