/** The part of the contract that only some drivers can keep: volumes, migration, guests with an operating system. */
import { MIB, type VmId } from "@muster/model";
import { expect, it } from "vitest";
import {
  define,
  migrateAction,
  observe,
  power,
  refused,
  start,
  type At,
} from "./contract-setting.ts";
import { sampleVmId } from "./definition-samples.ts";
import type { MigrationWatcher, VmDefinition } from "../hypervisor.ts";

const idleWatcher = (): MigrationWatcher => ({
  onProgress: () => undefined,
  signal: new AbortController().signal,
});

export function describeVolumes(at: At, storage: string): void {
  const disks = [{ storage, sizeBytes: 16n * MIB }];

  it("makes volumes once and removes them once", async () => {
    const { control, migration } = at().hypervisor;
    const { vmId, spec } = await define(at, { disks });
    await define(at, { disks });
    await at().pass(migration.checkArrival(vmId, spec));
    await refused(at, "storage-failed", control.define(withBase(at, storage, "no-such-base")));
    await at().pass(control.undefine(vmId));
    await at().pass(control.removeVolumes(vmId, spec));
    await at().pass(control.removeVolumes(vmId, spec));
  });

  it("refuses an unknown storage by name", async () => {
    const definition = at().definition({ disks: [{ storage: "nowhere", sizeBytes: 1n * MIB }] });
    await refused(at, "storage-failed", at().hypervisor.control.define(definition));
    expect(await observe(at, definition.vmId)).toBeUndefined();
    const arrival = at().hypervisor.migration.checkArrival(definition.vmId, definition.spec);
    await refused(at, "storage-failed", arrival);
  });

  it("keeps the volumes of a running VM", async () => {
    const { vmId, spec } = await start(at, { disks });
    await refused(at, "wrong-state", at().hypervisor.control.removeVolumes(vmId, spec));
    await refused(at, "wrong-state", at().hypervisor.migration.checkArrival(vmId, spec));
    await power(at, vmId, "destroy");
    await at().pass(at().hypervisor.control.undefine(vmId));
    await at().pass(at().hypervisor.control.removeVolumes(vmId, spec));
  });
}

const withBase = (at: At, storage: string, baseVolume: string): VmDefinition =>
  at().definition({ number: 7, disks: [{ storage, sizeBytes: 16n * MIB, baseVolume }] });

export function describeMigration(at: At): void {
  it("has nothing to reattach to where nothing moves", async () => {
    const { vmId } = await start(at);
    const { migration } = at().hypervisor;
    expect(await at().pass(migration.reattach(vmId, idleWatcher()))).toBeUndefined();
    expect(await at().pass(migration.reattach(sampleVmId(99), idleWatcher()))).toBeUndefined();
  });

  it("cannot move a VM it does not have, or one that is off", async () => {
    const { vmId } = await define(at);
    const { migration } = at().hypervisor;
    const uri = "qemu+tcp://127.0.0.1:1/system";
    const missing = migration.migrate(migrateAction(sampleVmId(99), uri), idleWatcher());
    await refused(at, "not-found", missing);
    await refused(at, "wrong-state", migration.migrate(migrateAction(vmId, uri), idleWatcher()));
  });

  it("says that a target is not reachable, and the VM runs on", async () => {
    const { vmId } = await start(at);
    const action = migrateAction(vmId, "qemu+tcp://127.0.0.1:1/system");
    const moving = at().hypervisor.migration.migrate(action, idleWatcher());
    await refused(at, "unreachable", moving);
    expect(await observe(at, vmId)).toMatchObject({ state: "running", migrating: false });
  });
}

export function describeGuests(at: At): void {
  it("lets the guest shut down", async () => {
    const { vmId } = await start(at);
    await at().until(() => hasWritten(at, vmId));
    await power(at, vmId, "shutdown");
    await at().until(async () => (await observe(at, vmId))?.state === "stopped");
    expect(await observe(at, vmId)).toMatchObject({ state: "stopped", reason: "shutdown" });
  });

  it("opens the console for one reader at a time", async () => {
    const { vmId } = await start(at);
    const { console } = at().hypervisor;
    const first = await at().pass(console.open(vmId, { force: false }));
    await refused(at, "busy", console.open(vmId, { force: false }));
    const second = await at().pass(console.open(vmId, { force: true }));
    const text = await at().pass(readUntil(second.output, "count="));
    expect(text).toContain("count=");
    await second.close();
    await first.close();
  });

  it("has no console of a VM that is off", async () => {
    const { vmId } = await define(at);
    await refused(at, "wrong-state", at().hypervisor.console.open(vmId, { force: false }));
    await refused(at, "not-found", at().hypervisor.console.open(sampleVmId(99), { force: false }));
  });
}

/** The guest has booted far enough to obey the power button. */
async function hasWritten(at: At, vmId: VmId): Promise<boolean> {
  const stream = await at().pass(at().hypervisor.console.open(vmId, { force: true }));
  try {
    return (await at().pass(readUntil(stream.output, "count="))).includes("count=");
  } finally {
    await stream.close();
  }
}

async function readUntil(output: AsyncIterable<Uint8Array>, wanted: string): Promise<string> {
  let text = "";
  for await (const chunk of output) {
    text += Buffer.from(chunk).toString();
    if (text.includes(wanted)) break;
  }
  return text;
}
