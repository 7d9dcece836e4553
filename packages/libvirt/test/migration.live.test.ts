/** A guest moves between two real libvirtds and back: driven by the source daemon, and driven by us. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, type Hypervisor } from "../src/index.ts";
import { reasonOf } from "./contract.ts";
import { PrivateLibvirtd, whyNoLibvirtd } from "./private-libvirtd.ts";

const missing = whyNoLibvirtd();
const guestXml = `<domain type='qemu'><name>mover</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices></domain>`;

interface Host {
  readonly daemon: PrivateLibvirtd;
  readonly hypervisor: Hypervisor;
}

/** Hosts have networks of their own, so the memory travels over a unix socket that both see. */
describe.skipIf(missing !== null)("migration", () => {
  let hosts: readonly Host[] = [];
  let meeting = "";
  beforeAll(async () => {
    meeting = mkdtempSync(join(tmpdir(), "nlv-m-"));
    const start = async (): Promise<Host> => {
      // Hosts with the same UUID would be the same host.
      const daemon = await PrivateLibvirtd.start({ config: `host_uuid = "${randomUUID()}"\n` });
      return { daemon, hypervisor: await connect({ socketPath: daemon.socketPath }) };
    };
    hosts = [await start(), await start()];
  });
  afterAll(async () => {
    for (const { daemon, hypervisor } of hosts) {
      await hypervisor.close();
      await daemon[Symbol.asyncDispose]();
    }
    if (meeting !== "") rmSync(meeting, { recursive: true });
  });

  it("is driven by the source daemon, and back by us", async () => {
    const [here, there] = hosts as [Host, Host];
    const domain = await here.hypervisor.domainDefineXml(guestXml);
    await domain.create();
    await using events = await there.hypervisor.domainEvents("lifecycle");
    const flags = ["live", "persistDest", "undefineSource"] as const;
    await domain.migrateToUri(there.daemon.uri("qemu:///system"), {
      flags,
      migrateUri: `unix://${meeting}/one`,
      bandwidth: 512n,
    });
    const moved = await there.hypervisor.domainLookupByUuid(domain.uuid);
    expect((await moved.getState()).state).toBe("running");
    expect(await moved.isPersistent()).toBe(true);
    expect(await reasonOf(domain.getState())).toMatchObject({ code: "noDomain" });
    const seen: string[] = [];
    while (!seen.includes("resumed migrated")) {
      const { value } = await events.next();
      seen.push(`${value?.event} ${value?.detail}`);
    }
    expect(seen).toContain("started migrated");

    await moved.migrate(here.hypervisor, { flags, migrateUri: `unix://${meeting}/two` });
    const back = await here.hypervisor.domainLookupByUuid(domain.uuid);
    expect(await back.getState()).toEqual({ state: "running", reason: "migrated" });
    expect(await reasonOf(moved.getState())).toMatchObject({ code: "noDomain" });
    const { type, stats } = await back.getJobStats({ flags: ["completed"] });
    expect(type).toBe("completed");
    expect(stats["memory_total"]).toBeTypeOf("bigint");
    await back.destroy();
    await back.undefine();
  });

  it("that the destination refuses leaves the guest where it was", async () => {
    const [here, there] = hosts as [Host, Host];
    const domain = await here.hypervisor.domainDefineXml(guestXml);
    await domain.create();
    const other = await there.hypervisor.domainDefineXml(guestXml);
    const refused = await reasonOf(
      domain.migrate(there.hypervisor, { flags: ["live"], migrateUri: `unix://${meeting}/three` }),
    );
    expect(refused).toMatchObject({ name: "LibvirtError" });
    expect((await domain.getState()).state).toBe("running");
    await domain.suspend();
    await domain.resume();
    await domain.destroy();
    await domain.undefine();
    await other.undefine();
  });
});

if (missing !== null) console.warn(`SKIPPED against real libvirt: ${missing}`);
