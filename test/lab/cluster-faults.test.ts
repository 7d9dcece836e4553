/** Daemons killed and machines lost in the middle of a create and of a migration, on real hypervisors. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isMusterError } from "@muster/model";
import { OperationState, type Operation } from "@muster/proto/admin";
import { Cluster, said } from "./cluster.ts";
import { waitFor } from "./waiting.ts";

/** Slow enough that the move of the guest's memory takes seconds. */
const CRAWL_MIB_PER_SECOND = 12;

describe("a cluster that suffers", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.up({ hosts: 3, directory: "/tmp/muster-faults" });
    await cluster.createNetwork("blue", 10);
    const operation = await cluster.createVm({
      name: "roamer",
      network: "blue",
      guest: "addr=10.10.0.1/24 chk=8",
    });
    await cluster.succeeded(operation);
    await cluster.lab.waitForGuest(await hostOf("roamer"), "roamer", { timeoutMs: 60_000 });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  const hostOf = async (name: string): Promise<string> => (await cluster.vm(name)).host;

  type Victim = "coordinator" | "source agent" | "target agent";

  /** Kills at once, starts again at once. */
  async function killAndRestart(victim: Victim, source: string, target: string): Promise<void> {
    if (victim === "coordinator") {
      await cluster.killCoordinator();
      await cluster.muster.startCoordinator();
      return;
    }
    const host = victim === "source agent" ? source : target;
    await cluster.killAgent(host);
    await cluster.muster.startAgent(host);
  }

  async function expectWhole(name: string, host: string, claimedCpus: number): Promise<void> {
    await cluster.muster.waitForHosts(20_000);
    await cluster.shows(name, "running");
    expect(await cluster.sightings(name)).toEqual([`${host} running`]);
    expect(await cluster.listed(name)).toBe(`running on ${host}`);
    expect(await cluster.claimedCpus()).toBe(claimedCpus);
  }

  describe.each(["coordinator", "source agent"] as const)("%s killed in a create", (victim) => {
    it.each(["accepted", "define", "start"])("at %s", async (moment) => {
      const name = `made-${victim.slice(0, 3)}-${moment}`;
      const operation = await cluster.createVm({ name });
      const { host } = await cluster.vm(name);
      if (moment !== "accepted") await cluster.reached(operation.id, moment);
      await killAndRestart(victim, host, host);
      await cluster.succeeded(operation);
      await expectWhole(name, host, 2);
      const removed = await cluster.muster.muster(["vm", "rm", name, "--force"]);
      expect(removed.exitCode, removed.stderr).toBe(0);
      expect(await cluster.sightings(name)).toEqual([]);
    });
  });

  describe.each(["coordinator", "source agent", "target agent"] as const)(
    "%s killed in a migration",
    (victim) => {
      it.each(["accepted", "prepare", "move", "settle", "clean"])("at %s", async (moment) => {
        const source = await hostOf("roamer");
        const before = await cluster.lab.guestStatus(source, "roamer");
        const operation = await cluster.migrateVm("roamer", {
          bandwidthMibPerSecond: moment === "move" ? CRAWL_MIB_PER_SECOND : 0,
        });
        const target = (await cluster.vm("roamer")).targetHost;
        if (moment === "move") await cluster.transferring(operation.id);
        else if (moment !== "accepted") await cluster.reached(operation.id, moment);
        await killAndRestart(victim, source, target);
        const last = await cluster.ended(operation.id);
        // The job is libvirt's: it goes on without our daemons, and they find it again.
        expect(said(last)).toContain("SUCCEEDED");
        await expectWhole("roamer", target, 1);
        const after = await cluster.lab.guestStatus(target, "roamer");
        expect(after.boot).toBe(before.boot);
        expect(after.count).toBeGreaterThanOrEqual(before.count);
        expect(after.memoryErrors).toBe(0);
      });
    },
  );

  /** Starts a slow migration; resolves while memory is on its way. */
  async function migrating(): Promise<{ id: string; source: string; target: string }> {
    const source = await hostOf("roamer");
    const { id } = await cluster.migrateVm("roamer", {
      bandwidthMibPerSecond: CRAWL_MIB_PER_SECOND,
    });
    const target = (await cluster.vm("roamer")).targetHost;
    await cluster.transferring(id);
    return { id, source, target };
  }

  async function expectStayed(source: string): Promise<void> {
    await expectWhole("roamer", source, 1);
    const status = await cluster.lab.guestStatus(source, "roamer");
    expect(status.memoryErrors).toBe(0);
  }

  it("moves nothing when somebody cancels", async () => {
    const { id, source } = await migrating();
    const cancelled = await cluster.muster.muster(["op", "cancel", id]);
    expect(cancelled.exitCode, cancelled.stderr).toBe(0);
    const last = await cluster.ended(id);
    expect(last.state, said(last)).toBe(OperationState.CANCELLED);
    await expectStayed(source);
  });

  it("moves nothing when libvirt on the target dies", async () => {
    const { id, source, target } = await migrating();
    await cluster.lab.host(target).libvirtd("kill");
    await cluster.lab.host(target).libvirtd("start");
    const last = await cluster.ended(id);
    expect(last.state, said(last)).toBe(OperationState.FAILED);
    expect(last.error?.cause).toMatch(/client socket is closed|Lost connection|closed/);
    await expectStayed(source);
  });

  it("moves nothing when libvirt on the source dies, which cancels the job", async () => {
    const { id, source } = await migrating();
    await cluster.lab.host(source).libvirtd("kill");
    await cluster.lab.host(source).libvirtd("start");
    const last = await cluster.ended(id);
    expect(last.state, said(last)).toBe(OperationState.FAILED);
    await expectStayed(source);
  });

  it("moves nothing when the target loses power, and succeeds when asked again", async () => {
    const { id, source, target } = await migrating();
    await cluster.lab.host(target).crash();
    const last = await cluster.ended(id, 120_000);
    expect(last.state, said(last)).toBe(OperationState.FAILED);
    expect(last.error?.cause).not.toBe("");
    expect(await cluster.listed("roamer")).toBe(`running on ${source}`);
    expect(await cluster.claimedCpus()).toBe(1);
    await cluster.lab.host(target).boot();
    await cluster.muster.startAgent(target);
    await expectStayed(source);
    // Refused until the host has been heard on its networks again.
    let refusal: readonly string[] = [];
    const ask = async (): Promise<Operation | undefined> => {
      try {
        return await cluster.migrateVm("roamer", { host: target });
      } catch (error) {
        if (!isMusterError(error) || error.code !== "no-placement") throw error;
        refusal = error.reasons;
        return undefined;
      }
    };
    const explain = () => Promise.resolve(refusal.join("; "));
    const wait = { timeoutMs: 60_000, everyMs: 1_000, explain };
    const again = await waitFor(`${target} to take the VM`, ask, wait);
    await cluster.succeeded(again);
    if (refusal.length > 0) console.log(`refused at first: ${refusal.join("; ")}`);
    await expectWhole("roamer", target, 1);
  });
});
