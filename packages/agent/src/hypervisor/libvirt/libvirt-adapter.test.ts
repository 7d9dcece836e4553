/**
 * The adapter against a daemon that says what a test wants: hostile documents, hung domains, lost connections. What
 * libvirt really says is for `libvirt-hypervisor.live.test.ts`.
 */
import { isMusterError, parseVmId, type ErrorCode } from "@muster/model";
import { systemClock } from "@muster/runtime";
import { CallTimeoutError, ConnectionLostError, DialError } from "node-libvirt";
import { FakeLibvirtError, FakeServer } from "node-libvirt/testing";
import { describe, expect, it } from "vitest";
import { renderDomain } from "../domain-xml/render-domain.ts";
import type { VmChange } from "../hypervisor.ts";
import { sampleClusterId, sampleDefinition, sampleVmId } from "../testing/definition-samples.ts";
import { domainFactsFrom } from "./host-facts.ts";
import { failedTo } from "./libvirt-error.ts";
import { LibvirtHypervisor } from "./libvirt-hypervisor.ts";
import { checkReachable, endpointOfUri } from "./migration-target.ts";
import { migrationPhaseFrom, migrationStatsFrom, usageFromStats, vmStateFrom } from "./vm-state.ts";

const LAUGHS =
  '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><domain><name>&b;</name></domain>';
const NO_DOMAIN = 42;
const RUNNING = 1;

interface FakeDomain {
  readonly number: number;
  readonly xml: string;
}

const fine = (number: number): FakeDomain => ({
  number,
  xml: renderDomain(sampleDefinition({ number }), {
    virtualization: "qemu",
    architecture: "x86_64",
  }),
});

function daemonWith(...domains: readonly FakeDomain[]): FakeServer {
  const reference = ({ number }: FakeDomain) => ({
    name: `sample-${String(number)}`,
    uuid: sampleVmId(number),
    id: number,
  });
  const find = (uuid: string): FakeDomain => {
    const found = domains.find(({ number }) => sampleVmId(number) === uuid);
    if (found === undefined) throw new FakeLibvirtError("Domain not found", { code: NO_DOMAIN });
    return found;
  };
  let callbacks = 0;
  return new FakeServer()
    .answer("connectDomainEventCallbackRegisterAny", () => ({ callbackID: (callbacks += 1) }))
    .answer("connectDomainEventCallbackDeregisterAny", () => ({}))
    .answer("connectListAllDomains", () => ({
      domains: domains.map(reference),
      ret: domains.length,
    }))
    .answer("domainLookupByUuid", ({ uuid }) => ({ dom: reference(find(uuid)) }))
    .answer("domainGetXmlDesc", ({ dom }) => ({ xml: find(dom.uuid).xml }))
    .answer("domainGetState", () => ({ state: RUNNING, reason: RUNNING }))
    .answer("domainIsPersistent", () => ({ persistent: 1 }))
    .answer("domainGetJobStats", () => ({ type: 0, params: [] }));
}

const openOn = (server: FakeServer, warnings: string[] = []): Promise<LibvirtHypervisor> =>
  LibvirtHypervisor.open({
    target: { dial: () => server.dial() },
    clock: systemClock,
    log: { info: () => undefined, warn: (_fields, message) => warnings.push(message) },
    clusterId: () => sampleClusterId,
  });

describe("a libvirt that says something odd", () => {
  it("loses no VM to an XML bomb", async () => {
    const warnings: string[] = [];
    const server = daemonWith(fine(1), { number: 2, xml: LAUGHS }, { number: 3, xml: "" }, fine(4));
    await using hypervisor = await openOn(server, warnings);
    const vms = await hypervisor.watch.list();
    expect(vms.map(({ name, managed, state }) => [name, managed, state])).toEqual([
      ["sample-1", true, "running"],
      ["sample-2", false, "running"],
      ["sample-3", false, "running"],
      ["sample-4", true, "running"],
    ]);
    expect(warnings).toEqual(["domain cannot be read", "domain cannot be read"]);
  });

  it("shows the domain of another cluster as a wild one", async () => {
    const other = "c0ffee00-0000-4000-8000-000000000002";
    const { number, xml } = fine(1);
    const server = daemonWith({ number, xml: xml.replace(sampleClusterId, other) });
    await using hypervisor = await openOn(server);
    expect(await hypervisor.watch.observe(sampleVmId(1))).toMatchObject({
      managed: false,
      generation: 0,
    });
  });

  it("does not miss the others when one domain goes away under its eyes", async () => {
    const server = daemonWith(fine(1), fine(2));
    server.answer("domainGetState", ({ dom }) => {
      if (dom.uuid === sampleVmId(1)) {
        throw new FakeLibvirtError("Domain not found", { code: NO_DOMAIN });
      }
      return { state: RUNNING, reason: RUNNING };
    });
    await using hypervisor = await openOn(server);
    expect((await hypervisor.watch.list()).map(({ name }) => name)).toEqual(["sample-2"]);
  });

  it("gives its own words as the cause", async () => {
    const server = daemonWith(fine(1)).answer("connectListAllDomains", () => {
      throw new FakeLibvirtError("internal error: out of biscuits", { code: 1 });
    });
    await using hypervisor = await openOn(server);
    await expect(hypervisor.watch.list()).rejects.toMatchObject({
      code: "hypervisor-failed",
      cause: { message: "internal error: out of biscuits" },
    });
  });

  it("is not alive while it does not answer", async () => {
    const server = daemonWith().answer("nodeGetInfo", () => new Promise(() => undefined));
    await using hypervisor = await openOn(server);
    expect(await hypervisor.watch.isAlive(100)).toBe(false);
  });
});

describe("a libvirt that is not there", () => {
  it("is waited for a little, then unreachable", async () => {
    await using hypervisor = await LibvirtHypervisor.open({
      target: { socketPath: "/nonexistent/libvirt-sock" },
      clock: { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(50, signal) },
      log: { info: () => undefined, warn: () => undefined },
    });
    await expect(hypervisor.watch.list()).rejects.toMatchObject({ code: "unreachable" });
    expect(await hypervisor.watch.isAlive(50)).toBe(false);
  });

  it("gives a gap when it is back", async () => {
    const server = daemonWith(fine(1));
    await using hypervisor = await openOn(server);
    const stop = new AbortController();
    const seen: VmChange[] = [];
    for await (const change of hypervisor.watch.changes(stop.signal)) {
      seen.push(change);
      if (seen.length === 1) server.connections.at(-1)?.destroy();
      else stop.abort();
    }
    expect(seen).toEqual([{ kind: "gap" }, { kind: "gap" }]);
    expect(await hypervisor.watch.list()).toHaveLength(1);
  });
});

describe("errors", () => {
  it.each([
    [new ConnectionLostError("gone", { sent: true }), "unreachable"],
    [new CallTimeoutError({ procedure: "x", timeoutMs: 1, sent: true }), "timeout"],
    [new DialError(new Error("connect ENOENT"), ""), "unreachable"],
    [new TypeError("undefined is not a function"), "internal"],
  ] as const)("%s is %s", (error, code: ErrorCode) => {
    const failure = failedTo("define vm 7", error);
    expect(failure.code).toBe(code);
    expect(failure.message).toBe("failed to define vm 7");
    expect(failure.cause).toBe(error);
    expect(failedTo("do more", failure)).toBe(failure);
  });
});

describe("libvirt's states", () => {
  it.each([
    [{ state: "running", reason: "booted" }, true, "running"],
    [{ state: "blocked", reason: "unknown" }, true, "running"],
    [{ state: "paused", reason: "ioerror" }, true, "paused"],
    [{ state: "pmsuspended", reason: "unknown" }, true, "paused"],
    [{ state: "shutdown", reason: "user" }, true, "stopping"],
    [{ state: "shutoff", reason: "destroyed" }, false, "stopped"],
    [{ state: "shutoff", reason: "crashed" }, false, "crashed"],
    [{ state: "crashed", reason: "panicked" }, true, "crashed"],
    [{ state: "unknown", reason: "unknown" }, true, "running"],
    [{ state: "unknown", reason: "unknown" }, false, "stopped"],
  ] as const)("%j, with a process: %s, is %s", (from, isRunning, state) => {
    expect(vmStateFrom(from, isRunning)).toBe(state);
  });

  it("sums disks and NICs", () => {
    const usage = usageFromStats({
      "cpu.time": 7n,
      "balloon.rss": 3n,
      "block.count": 2,
      "block.0.rd.reqs": 1n,
      "block.0.rd.bytes": 10n,
      "block.1.rd.reqs": 2n,
      "block.1.rd.bytes": 20n,
      "net.count": 1,
      "net.0.rx.bytes": 5n,
    });
    expect(usage).toMatchObject({
      cpuTimeNs: 7n,
      residentBytes: 3072n,
      diskReadBytes: 30n,
      diskReadRequests: 3n,
      networkReceiveBytes: 5n,
      networkTransmitBytes: 0n,
    });
  });

  it("leaves out a domain whose process did not answer", () => {
    expect(usageFromStats({ "cpu.time": 7n, "block.count": 1 })).toBeUndefined();
    expect(usageFromStats({ "cpu.time": 7n })).toBeDefined();
  });

  it("reads the numbers of a migration", () => {
    const job = {
      data_total: 100n,
      data_processed: 60n,
      data_remaining: 40n,
      memory_total: 100n,
      memory_bps: 10n,
      disk_bps: 5n,
      memory_iteration: 3n,
      memory_dirty_rate: 2n,
      memory_page_size: 4096n,
      downtime: 120n,
      time_elapsed: 900n,
    };
    expect(migrationStatsFrom(job)).toEqual({
      processedBytes: 60n,
      remainingBytes: 40n,
      totalBytes: 100n,
      bytesPerSecond: 15n,
      iteration: 3,
      dirtyBytesPerSecond: 8192n,
      downtimeMs: 120,
      elapsedMs: 900,
    });
    expect(migrationPhaseFrom(job)).toBe("copying memory");
    expect(migrationPhaseFrom({ disk_total: 5n })).toBe("copying disks");
    expect(migrationPhaseFrom({})).toBe("preparing");
  });
});

describe("a migration's target", () => {
  it.each([
    ["qemu+tcp://h2/system", { host: "h2", port: 16_509 }],
    ["qemu+tls://10.99.0.2/system", { host: "10.99.0.2", port: 16_514 }],
    ["qemu://h2/system", { host: "h2", port: 16_514 }],
    ["qemu+tls://h2:1234/system?pkipath=/x", { host: "h2", port: 1234 }],
    ["qemu+tcp://[fd00::2]/system", { host: "fd00::2", port: 16_509 }],
    ["qemu+ssh://root@h2/system", { host: "h2", port: 22 }],
    ["qemu:///system", undefined],
  ])("%s is at %j", (uri, endpoint) => {
    expect(endpointOfUri(uri)).toEqual(endpoint);
  });

  it("that is no URI is refused by name", () => {
    expect(() => endpointOfUri("h2")).toThrow(/"h2" is not a libvirt URI/);
  });

  it("that refuses connections is unreachable", async () => {
    const signal = new AbortController().signal;
    const checking = checkReachable("qemu+tcp://127.0.0.1:1/system", {
      clock: systemClock,
      signal,
    });
    await expect(checking).rejects.toSatisfy(
      (error) => isMusterError(error) && error.code === "unreachable",
    );
  });

  it("is not waited for once somebody cancelled", async () => {
    const signal = AbortSignal.abort(new Error("no more"));
    const checking = checkReachable("qemu+tcp://127.0.0.1:1/system", {
      clock: systemClock,
      signal,
    });
    await expect(checking).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("what a host can run", () => {
  const capabilities = (types: readonly string[]): string =>
    `<capabilities><host><cpu><arch>x86_64</arch></cpu></host>
      <guest><os_type>hvm</os_type><arch name='i686'><domain type='kvm'/></arch></guest>
      <guest><os_type>hvm</os_type><arch name='x86_64'>${types.map((type) => `<domain type='${type}'/>`).join("")}</arch></guest>
    </capabilities>`;

  it.each([
    ["QEMU", ["qemu", "kvm"], "kvm"],
    ["QEMU", ["qemu"], "qemu"],
    ["TEST", ["test"], "test"],
  ] as const)("%s with %j is %s", (driver, types, virtualization) => {
    expect(domainFactsFrom(driver, capabilities(types))).toEqual({
      virtualization,
      architecture: "x86_64",
    });
  });
});

it("tells VMs apart by UUID whatever its case", () => {
  expect(parseVmId(sampleVmId(10).toUpperCase())).toBe(sampleVmId(10));
});
