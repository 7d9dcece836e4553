/**
 * The contract on libvirt's test driver and on QEMU, and what only real hosts can show: live migration, its failures,
 * and a libvirtd that comes and goes. Needs root and the lab's packages.
 */
import { MIB, parseVmId, type MigrateAction, type VmId } from "@muster/model";
import { systemClock } from "@muster/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Lab, waitFor, type LabHost, type LabProcess } from "../../../../../test/lab/lab.ts";
import { readFile } from "node:fs/promises";
import { sampleClusterId, sampleDefinition, sampleMac } from "../testing/definition-samples.ts";
import { migrateAction, type ContractSetting } from "../testing/contract-setting.ts";
import { describeHypervisorContract } from "../hypervisor-contract.ts";
import type { HypervisorLog, VmChange, VmDefinition } from "../hypervisor.ts";
import { LibvirtHypervisor } from "./libvirt-hypervisor.ts";

const MOVE_VM = new URL("./testing/move-vm.ts", import.meta.url).pathname;
const UNTIL_MAX_MS = 120_000;
const quiet: HypervisorLog = { info: () => undefined, warn: () => undefined };

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.up({ hosts: 2, directory: process.env["MUSTER_LAB_DIR"] ?? "/tmp/muster-hv" });
  for (const host of lab.hosts) await makePools(host);
});
afterAll(async () => {
  await lab.down();
});

async function makePools(host: LabHost): Promise<void> {
  for (const [pool, path] of [
    ["shared", "/srv/shared/volumes"],
    ["local", "/srv/local/volumes"],
  ] as const) {
    await host.exec(["mkdir", "-p", path]);
    await host.exec(["virsh", "pool-create-as", pool, "dir", "--target", path], { check: false });
  }
}

const openOn = (host: LabHost, uri = "qemu:///system"): Promise<LibvirtHypervisor> =>
  LibvirtHypervisor.open({
    target: { socketPath: host.socketPath, uri },
    clock: systemClock,
    log: quiet,
    clusterId: () => sampleClusterId,
  });

/** virsh would run the test driver in its own process. */
const throughDaemon = (uri: string): string => uri.replace("test://", "test+unix://");

/** Leaves the host as it was: also after a test that failed half way. */
async function clean(host: LabHost, uri: string): Promise<void> {
  const daemonUri = throughDaemon(uri);
  const virsh = (...words: string[]): ReturnType<LabHost["exec"]> =>
    host.exec(["virsh", "-c", daemonUri, ...words], { check: false });
  const { stdout } = await virsh("list", "--all", "--name");
  const names = stdout.split("\n").filter((name) => name !== "" && name !== "test");
  for (const name of names) {
    await virsh("destroy", name);
    await virsh("undefine", name, "--nvram", "--managed-save");
  }
  await host.exec(["sh", "-c", "rm -f /srv/local/volumes/* /srv/shared/volumes/*"]);
}

const kernel = (name: string): NonNullable<VmDefinition["spec"]["kernel"]> => ({
  kernelPath: "/srv/shared/guest/vmlinuz",
  initrdPath: "/srv/shared/guest/initrd.gz",
  commandLine: `console=ttyS0 quiet name=${name}`,
});

async function setting(uri: string, withGuests: boolean): Promise<ContractSetting> {
  const host = lab.host("h1");
  await clean(host, uri);
  const hypervisor = await openOn(host, uri);
  return {
    hypervisor,
    pass: (promise) => promise,
    until: async (predicate) => {
      await waitFor("the predicate", predicate, { timeoutMs: UNTIL_MAX_MS });
    },
    async makeWild(name) {
      const type = uri.startsWith("test") ? "test" : "qemu";
      const vmId = parseVmId(crypto.randomUUID());
      const xml = `<domain type='${type}'><name>${name}</name><uuid>${vmId}</uuid>
        <memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>`;
      const path = `/tmp/${name}-${vmId}.xml`;
      await host.exec(["sh", "-c", `cat > ${path}`], { input: xml });
      await host.exec(["sh", "-c", `virsh -c ${throughDaemon(uri)} define ${path}; rm ${path}`]);
      return vmId;
    },
    definition: (options) =>
      sampleDefinition(withGuests ? { kernel: kernel("contract"), ...options } : options),
    async [Symbol.asyncDispose]() {
      // The test driver's state ends with its last connection.
      await clean(host, uri);
      await hypervisor[Symbol.asyncDispose]();
    },
  };
}

describeHypervisorContract(
  "libvirt, QEMU",
  { guests: true, storage: "local", migration: true },
  () => setting("qemu:///system", true),
);

describe("libvirt hypervisor in the lab", () => {
  const number = (() => {
    let last = 100;
    return (): number => (last += 1);
  })();

  async function startGuest(
    options: { readonly storage?: string; readonly commandLine?: string } = {},
  ): Promise<VmDefinition> {
    const count = number();
    const name = `guest-${String(count)}`;
    const boot = kernel(name);
    const definition = sampleDefinition({
      number: count,
      name,
      kernel: { ...boot, commandLine: `${boot.commandLine} ${options.commandLine ?? ""}` },
      nics: [{ network: "blue", mac: sampleMac(count) }],
      attachments: [{ kind: "openvswitch", bridge: "br0", vlan: 10, mtu: 1500 }],
      disks: [{ storage: options.storage ?? "shared", sizeBytes: 16n * MIB }],
    });
    await using hypervisor = await openOn(lab.host("h1"));
    await hypervisor.control.define(definition);
    await hypervisor.control.power(definition.vmId, "start");
    await lab.waitForGuest("h1", name);
    await using target = await openOn(lab.host("h2"));
    await target.migration.checkArrival(definition.vmId, definition.spec);
    return definition;
  }

  interface Line {
    readonly log?: string;
    readonly phase?: string;
    readonly processedBytes?: number;
    readonly result?: { readonly totalBytes: number; readonly downtimeMs: number } | string;
    readonly error?: { readonly code: string; readonly message: string; readonly cause: string };
  }

  function spawnMove(
    host: LabHost,
    verb: "migrate" | "reattach",
    action: MigrateAction,
    cancelAfterMs?: number,
  ): LabProcess {
    const limit = cancelAfterMs === undefined ? [] : [String(cancelAfterMs)];
    return host.spawn([process.execPath, MOVE_VM, verb, JSON.stringify(action), ...limit], {
      logFile: `${lab.directory}/log/move-${String(number())}.log`,
    });
  }

  const linesOf = async (move: LabProcess): Promise<readonly Line[]> =>
    (await readFile(move.logFile, "utf8"))
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Line);

  const isCopying = (move: LabProcess): Promise<boolean> =>
    waitFor(
      "the first bytes to be copied",
      async () => (await linesOf(move)).some(({ processedBytes = 0 }) => processedBytes > 0),
      { timeoutMs: 60_000 },
    );

  async function move(
    action: MigrateAction,
    cancelAfterMs?: number,
  ): Promise<{ readonly lines: readonly Line[]; readonly last: Line }> {
    const process = spawnMove(lab.host("h1"), "migrate", action, cancelAfterMs);
    await process.exited;
    const lines = await linesOf(process);
    return { lines, last: lines.at(-1) ?? {} };
  }

  const stateOn = async (host: string, vmId: VmId): Promise<string> => {
    await using hypervisor = await openOn(lab.host(host));
    const vm = await hypervisor.watch.observe(vmId);
    return vm === undefined ? "absent" : `${vm.state}${vm.persistent ? ", persistent" : ""}`;
  };

  const toH2 = (vmId: VmId, change: Partial<MigrateAction> = {}): MigrateAction =>
    migrateAction(vmId, "qemu+tcp://h2/system", change);

  it("moves a guest that does not notice", async () => {
    const { vmId, spec } = await startGuest({ commandLine: "dirty=10 chk=8" });
    const before = await lab.guestStatus("h1", spec.name);
    const { last, lines } = await move(
      toH2(vmId, {
        bandwidthMibPerSecond: 30,
        migrationAddress: "h2",
        autoConverge: true,
        downtimeLimitMs: 500,
      }),
    );
    expect(last.error).toBeUndefined();
    expect(last.result).toMatchObject({ totalBytes: expect.any(Number) as number });
    expect(lines.filter(({ phase }) => phase === "copying memory").length).toBeGreaterThan(1);
    expect(await stateOn("h1", vmId)).toBe("absent");
    expect(await stateOn("h2", vmId)).toBe("running, persistent");
    const after = await lab.guestStatus("h2", spec.name);
    expect(after).toMatchObject({ boot: before.boot, memoryErrors: 0, dirtyErrors: 0 });
    expect(after.count).toBeGreaterThanOrEqual(before.count);
    await using target = await openOn(lab.host("h2"));
    expect(await target.watch.observe(vmId)).toMatchObject({ managed: true, generation: 1 });
    await target.control.mark(vmId, 2);
    expect(await target.watch.observe(vmId)).toMatchObject({ generation: 2 });
  });

  it("moves a guest with its local disk", async () => {
    const { vmId } = await startGuest({ storage: "local" });
    await using target = await openOn(lab.host("h2"));
    const { last } = await move(
      toH2(vmId, { copyStorage: true, tls: true, migrationAddress: "h2" }),
    );
    expect(last.error).toBeUndefined();
    expect(await target.watch.observe(vmId)).toMatchObject({ state: "running" });
    const { stdout } = await lab.host("h2").exec(["ls", "/srv/local/volumes"]);
    expect(stdout).toContain(vmId);
  });

  it("cancels, and the guest runs on", async () => {
    const { vmId } = await startGuest();
    const { last } = await move(toH2(vmId, { bandwidthMibPerSecond: 2 }), 3_000);
    expect(last.error?.code).toBe("cancelled");
    expect(await stateOn("h1", vmId)).toBe("running, persistent");
    expect(await stateOn("h2", vmId)).toBe("absent");
  });

  it("is found again after the process that asked for it was killed", async () => {
    const { vmId } = await startGuest();
    const action = toH2(vmId, { bandwidthMibPerSecond: 8 });
    const first = spawnMove(lab.host("h1"), "migrate", action);
    await isCopying(first);
    await using source = await openOn(lab.host("h1"));
    await using target = await openOn(lab.host("h2"));
    expect(await source.watch.observe(vmId)).toMatchObject({ state: "running", migrating: true });
    expect(await target.watch.observe(vmId)).toMatchObject({ state: "paused", migrating: true });
    await expect(source.control.mark(vmId, 5)).rejects.toMatchObject({ code: "busy" });
    await expect(target.control.power(vmId, "start")).rejects.toMatchObject({ code: "busy" });
    await first.kill("SIGKILL");
    await first.exited;
    const second = spawnMove(lab.host("h1"), "reattach", action);
    await second.exited;
    expect((await linesOf(second)).at(-1)?.result).toMatchObject({
      totalBytes: expect.any(Number) as number,
    });
    expect(await stateOn("h1", vmId)).toBe("absent");
    expect(await stateOn("h2", vmId)).toBe("running, persistent");
  });

  it("fails with libvirt's reason when the target's libvirtd dies", async () => {
    const { vmId } = await startGuest();
    const process = spawnMove(lab.host("h1"), "migrate", toH2(vmId, { bandwidthMibPerSecond: 4 }));
    await isCopying(process);
    await lab.host("h2").libvirtd("kill");
    await process.exited;
    const { error } = (await linesOf(process)).at(-1) ?? {};
    await lab.host("h2").libvirtd("start");
    expect(error).toMatchObject({ code: "hypervisor-failed" });
    expect(error?.cause).not.toBe("");
    expect(await stateOn("h1", vmId)).toBe("running, persistent");
  });

  it("fails when the source's own libvirtd dies, and the guest runs on", async () => {
    const { vmId } = await startGuest();
    const action = toH2(vmId, { bandwidthMibPerSecond: 4 });
    const process = spawnMove(lab.host("h1"), "migrate", action);
    await isCopying(process);
    const follower = spawnMove(lab.host("h1"), "reattach", action);
    await isCopying(follower);
    await lab.host("h1").libvirtd("kill");
    await lab.host("h1").libvirtd("start");
    await process.exited;
    await follower.exited;
    expect((await linesOf(process)).at(-1)?.error?.code).toBe("hypervisor-failed");
    expect((await linesOf(follower)).at(-1)?.error?.code).toBe("hypervisor-failed");
    expect(await stateOn("h1", vmId)).toBe("running, persistent");
  });

  it("does not wait minutes for a target that drops packets", async () => {
    const { vmId } = await startGuest();
    await lab.host("h2").cut("mgmt");
    const beganMs = performance.now();
    const { last } = await move(toH2(vmId));
    await lab.host("h2").heal("mgmt");
    expect(last.error?.code).toBe("unreachable");
    expect(performance.now() - beganMs).toBeLessThan(10_000);
    expect(await stateOn("h1", vmId)).toBe("running, persistent");
    const { last: again } = await move(toH2(vmId));
    expect(again.error).toBeUndefined();
  });

  it("gives up when the target loses power half way, and the guest runs on", async () => {
    const { vmId } = await startGuest();
    const process = spawnMove(lab.host("h1"), "migrate", toH2(vmId, { bandwidthMibPerSecond: 4 }));
    await isCopying(process);
    await lab.host("h2").crash();
    await process.exited;
    expect((await linesOf(process)).at(-1)?.error?.code).toBe("hypervisor-failed");
    expect(await stateOn("h1", vmId)).toBe("running, persistent");
    await lab.host("h2").boot();
    await makePools(lab.host("h2"));
  });

  it("notices changes made behind its back, and a libvirtd that restarts", async () => {
    const { vmId, spec } = await startGuest();
    await using hypervisor = await openOn(lab.host("h1"));
    const stop = new AbortController();
    const seen: VmChange[] = [];
    const reading = (async () => {
      for await (const change of hypervisor.watch.changes(stop.signal)) seen.push(change);
    })();
    const sees = (kind: VmChange["kind"], timeoutMs: number): Promise<boolean> =>
      waitFor(kind, () => seen.some((change) => change.kind === kind), { timeoutMs, everyMs: 10 });
    await sees("gap", 5_000);
    await lab.virsh("h1", ["suspend", spec.name]);
    await sees("changed", 500);
    expect(await hypervisor.watch.observe(vmId)).toMatchObject({ state: "paused", reason: "user" });
    seen.length = 0;
    await lab.host("h1").libvirtd("restart");
    await sees("gap", 20_000);
    expect(await hypervisor.watch.observe(vmId)).toMatchObject({ state: "paused" });
    stop.abort();
    await reading;
  });
});

describeHypervisorContract("libvirt, test driver", { guests: false, migration: false }, () =>
  setting("test:///default", false),
);
