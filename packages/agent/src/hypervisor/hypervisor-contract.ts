/**
 * What every Hypervisor must do, as a vitest suite: the simulated one, libvirt's test driver and QEMU in the lab
 * pass the same. A setting says what its driver cannot do; everything else is asked of all.
 */
import { isMusterError, MIB } from "@muster/model";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeGuests, describeMigration, describeVolumes } from "./testing/contract-devices.ts";
import {
  define,
  observe,
  power,
  refused,
  start,
  type At,
  type ContractSetting,
} from "./testing/contract-setting.ts";
import { sampleDefinition, sampleVmId } from "./testing/definition-samples.ts";
import type { VmChange } from "./hypervisor.ts";

export interface ContractFeatures {
  /** Guests have an operating system that obeys the power button and writes to its console. */
  readonly guests: boolean;
  /** Name of a storage where volumes can be made; absent: none. */
  readonly storage?: string;
  readonly migration: boolean;
}

export function describeHypervisorContract(
  name: string,
  features: ContractFeatures,
  open: () => Promise<ContractSetting>,
): void {
  describe(`hypervisor contract: ${name}`, () => {
    let setting: ContractSetting;
    beforeEach(async () => {
      setting = await open();
    });
    afterEach(async () => {
      await setting[Symbol.asyncDispose]();
    });
    const at = (): ContractSetting => setting;
    describeDefinition(at);
    describePower(at);
    describeMarks(at);
    describeWildVms(at);
    describeWatching(at);
    describe.runIf(features.storage !== undefined)("volumes", () => {
      describeVolumes(at, features.storage ?? "");
    });
    describe.runIf(features.migration)("migration", () => {
      describeMigration(at);
    });
    describe.runIf(features.guests)("guests", () => {
      describeGuests(at);
    });
  });
}

function describeDefinition(at: At): void {
  it("does not know a VM that was never defined", async () => {
    expect(await observe(at, sampleVmId(99))).toBeUndefined();
  });

  it("defines a stopped, persistent, managed VM", async () => {
    const { vmId, spec } = await define(at, { generation: 3, memoryBytes: 256n * MIB });
    expect(await observe(at, vmId)).toMatchObject({
      id: vmId,
      name: spec.name,
      state: "stopped",
      managed: true,
      generation: 3,
      cpus: 1,
      memoryBytes: 256n * MIB,
      persistent: true,
      migrating: false,
    });
    const listed = await at().pass(at().hypervisor.watch.list());
    expect(listed.map(({ id }) => id)).toContain(vmId);
  });

  it("defines the same VM twice, also while it runs", async () => {
    const { vmId } = await define(at);
    await define(at);
    await power(at, vmId, "start");
    await define(at);
    expect(await observe(at, vmId)).toMatchObject({ state: "running", persistent: true });
  });

  it("replaces a definition", async () => {
    const { vmId } = await define(at, { memoryBytes: 128n * MIB });
    await define(at, { memoryBytes: 256n * MIB, generation: 2 });
    expect(await observe(at, vmId)).toMatchObject({ memoryBytes: 256n * MIB, generation: 2 });
  });

  it("refuses a second VM of the same name", async () => {
    await define(at, { number: 1, name: "twin" });
    const second = at().definition({ number: 2, name: "twin" });
    await refused(at, "already-exists", at().hypervisor.control.define(second));
    expect(await observe(at, second.vmId)).toBeUndefined();
  });

  it("undefines a stopped VM, and one that is not there", async () => {
    const { vmId } = await define(at);
    await at().pass(at().hypervisor.control.undefine(vmId));
    expect(await observe(at, vmId)).toBeUndefined();
    await at().pass(at().hypervisor.control.undefine(vmId));
  });

  it("refuses to undefine a running VM", async () => {
    const { vmId } = await start(at);
    await refused(at, "wrong-state", at().hypervisor.control.undefine(vmId));
    expect(await observe(at, vmId)).toMatchObject({ state: "running", persistent: true });
  });
}

function describePower(at: At): void {
  it("starts a VM once", async () => {
    const { vmId } = await start(at);
    expect(await observe(at, vmId)).toMatchObject({ state: "running", reason: "booted" });
    await power(at, vmId, "start");
    expect(await observe(at, vmId)).toMatchObject({ state: "running", reason: "booted" });
  });

  it("pauses and resumes, each as often as asked", async () => {
    const { vmId } = await start(at);
    await power(at, vmId, "pause");
    await power(at, vmId, "pause");
    expect(await observe(at, vmId)).toMatchObject({ state: "paused", reason: "user" });
    await power(at, vmId, "resume");
    await power(at, vmId, "resume");
    expect(await observe(at, vmId)).toMatchObject({ state: "running", reason: "unpaused" });
  });

  it("destroys a VM, and a stopped one too", async () => {
    const { vmId } = await start(at);
    await power(at, vmId, "destroy");
    await power(at, vmId, "destroy");
    await power(at, vmId, "shutdown");
    expect(await observe(at, vmId)).toMatchObject({ state: "stopped", reason: "destroyed" });
  });

  it.each(["pause", "resume", "reboot", "reset"] as const)(
    "refuses to %s a stopped VM",
    async (action) => {
      const { vmId } = await define(at);
      await refused(at, "wrong-state", at().hypervisor.control.power(vmId, action));
    },
  );

  it.each(["start", "shutdown", "destroy", "pause", "resume"] as const)(
    "cannot %s a VM it does not have",
    async (action) => {
      await refused(at, "not-found", at().hypervisor.control.power(sampleVmId(99), action));
    },
  );
}

function describeMarks(at: At): void {
  it("marks a running VM for now and for later", async () => {
    const { vmId } = await start(at, { generation: 1 });
    await at().pass(at().hypervisor.control.mark(vmId, 8));
    expect(await observe(at, vmId)).toMatchObject({ generation: 8, state: "running" });
    await power(at, vmId, "destroy");
    expect(await observe(at, vmId)).toMatchObject({ generation: 8, state: "stopped" });
  });

  it("marks a stopped VM", async () => {
    const { vmId } = await define(at, { generation: 1 });
    await at().pass(at().hypervisor.control.mark(vmId, 2));
    expect(await observe(at, vmId)).toMatchObject({ generation: 2, managed: true });
  });

  it("cannot mark a VM it does not have", async () => {
    await refused(at, "not-found", at().hypervisor.control.mark(sampleVmId(99), 2));
  });
}

function describeWildVms(at: At): void {
  it("shows a wild VM and leaves it alone", async () => {
    const vmId = await at().makeWild("wild-1");
    const before = await observe(at, vmId);
    expect(before).toMatchObject({ name: "wild-1", managed: false, generation: 0 });
    const { control } = at().hypervisor;
    const { spec } = sampleDefinition({ name: "wild-1" });
    const definition = { ...at().definition({ name: "wild-1" }), vmId, spec };
    await refused(at, "forbidden", control.define(definition));
    await refused(at, "forbidden", control.power(vmId, "start"));
    await refused(at, "forbidden", control.power(vmId, "destroy"));
    await refused(at, "forbidden", control.mark(vmId, 1));
    await refused(at, "forbidden", control.undefine(vmId));
    expect(await observe(at, vmId)).toEqual(before);
  });
}

function describeWatching(at: At): void {
  it("is alive and knows its host", async () => {
    expect(await at().pass(at().hypervisor.watch.isAlive(2_000))).toBe(true);
    const facts = await at().pass(at().hypervisor.facts());
    expect(facts.memoryBytes).toBeGreaterThan(0n);
    expect(facts.logicalCpus).toBeGreaterThan(0);
    expect(facts.capabilitiesXml).toContain("<capabilities>");
    expect(facts.libvirtVersion).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it("begins changes with a gap, then names what changes", async () => {
    const stop = new AbortController();
    const seen: VmChange[] = [];
    const reading = (async () => {
      for await (const change of at().hypervisor.watch.changes(stop.signal)) seen.push(change);
    })();
    await at().until(() => seen.length > 0);
    expect(seen[0]).toEqual({ kind: "gap" });
    const { vmId } = at().definition({});
    const changed = (): number =>
      seen.filter((change) => change.kind === "changed" && change.vmId === vmId).length;
    await define(at);
    await at().until(() => changed() > 0);
    for (const action of ["start", "pause", "resume", "destroy"] as const) {
      const before = changed();
      await power(at, vmId, action);
      await at().until(() => changed() > before);
    }
    const before = changed();
    await at().pass(at().hypervisor.control.undefine(vmId));
    await at().until(() => changed() > before);
    stop.abort();
    await at().pass(reading);
  });

  it("samples running VMs only", async () => {
    const running = await start(at, { number: 1 });
    const stopped = await define(at, { number: 2 });
    const samples = await at().pass(at().hypervisor.watch.sample());
    expect(samples.has(stopped.vmId)).toBe(false);
    expect(samples.get(running.vmId)).toMatchObject({
      cpuTimeNs: expect.any(BigInt) as bigint,
      residentBytes: expect.any(BigInt) as bigint,
      diskWriteBytes: expect.any(BigInt) as bigint,
      networkReceiveBytes: expect.any(BigInt) as bigint,
    });
  });

  it("answers nothing after it was closed", async () => {
    const { hypervisor } = at();
    await hypervisor[Symbol.asyncDispose]();
    await expect(at().pass(hypervisor.watch.list())).rejects.toSatisfy(isMusterError);
    expect(await at().pass(hypervisor.watch.isAlive(100))).toBe(false);
  });
}
