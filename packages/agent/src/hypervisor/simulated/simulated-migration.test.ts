/**
 * Faults at every moment of a simulated migration, and agents that die under one. S1 is checked by the world itself.
 */
import { GIB, MIB } from "@muster/model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Scene, vmId } from "../testing/scene.ts";

describe("a simulated live migration", () => {
  it("moves the guest without it noticing, phase by phase", async () => {
    const scene = new Scene();
    await scene.startVm();
    await scene.clock.runFor(10_000);
    const before = scene.world.guest(vmId);
    const migration = scene.migrate();
    const stats = await scene.pass(migration.promise);
    expect(scene.states()).toEqual({ h2: "running" });
    const after = scene.world.guest(vmId);
    expect(after?.bootId).toBe(before?.bootId);
    expect(after?.count).toBeGreaterThanOrEqual((before?.count ?? 0) + 3);
    expect([...new Set(migration.progress.map(({ phase }) => phase))]).toEqual([
      "connecting",
      "preparing",
      "copying memory",
      "switching over",
      "finishing",
    ]);
    expect(stats.remainingBytes).toBe(0n);
    expect(stats.processedBytes).toBeGreaterThanOrEqual(2n * GIB);
    expect(stats.downtimeMs).toBeGreaterThan(0);
    expect(scene.world.violations).toEqual([]);
  });

  it("shows the arriving copy as paused and migrating, and as no owner", async () => {
    const scene = new Scene();
    await scene.startVm();
    const migration = scene.migrate();
    await scene.clock.runFor(1_500);
    const [vm] = await scene.pass(scene.agent("h2").watch.list());
    expect(vm).toMatchObject({ id: vmId, state: "paused", migrating: true, persistent: false });
    expect(scene.world.runningOn(vmId)).toEqual(["h1"]);
    await scene.pass(migration.promise);
  });

  it("keeps the mark, and the definition at the target", async () => {
    const scene = new Scene();
    await scene.startVm();
    await scene.pass(scene.migrate().promise);
    const vm = await scene.pass(scene.agent("h2").watch.observe(vmId));
    expect(vm).toMatchObject({
      managed: true,
      generation: 1,
      persistent: true,
      reason: "migrated",
    });
  });

  it("copies a local disk when asked, and refuses when not", async () => {
    const scene = new Scene();
    await scene.startVm({ storage: "default" });
    const refused = scene.migrate();
    await expect(scene.pass(refused.promise)).rejects.toMatchObject({ code: "hypervisor-failed" });
    expect(scene.states()).toEqual({ h1: "running" });
    const copied = scene.migrate({ copyStorage: true });
    await scene.pass(copied.promise);
    expect(scene.states()).toEqual({ h2: "running" });
    expect(scene.world.volumes("h2", "default")).toHaveLength(1);
    expect(copied.progress.map(({ phase }) => phase)).toContain("copying disks");
  });

  it("never ends when the guest writes faster than the link carries, unless it is slowed down", async () => {
    const scene = new Scene();
    await scene.startVm();
    scene.world.setGuest(vmId, { dirtyBytesPerSecond: 60n * MIB });
    const endless = scene.migrate({ bandwidthMibPerSecond: 50 });
    await scene.clock.runFor(1_800_000);
    expect(endless.ended()).toBe(false);
    endless.abort.abort();
    await expect(scene.pass(endless.promise)).rejects.toMatchObject({ code: "cancelled" });
    await scene.pass(scene.migrate({ bandwidthMibPerSecond: 50, autoConverge: true }).promise);
    expect(scene.states()).toEqual({ h2: "running" });
  });

  it("moves a paused guest as a paused one", async () => {
    const scene = new Scene();
    await scene.startVm();
    await scene.pass(scene.agent("h1").control.power(vmId, "pause"));
    await scene.pass(scene.migrate().promise);
    expect(scene.states()).toEqual({ h2: "paused" });
  });

  it("refuses a second migration, and a mark, while one runs", async () => {
    const scene = new Scene();
    await scene.startVm();
    const first = scene.migrate();
    await scene.clock.runFor(1_000);
    await expect(scene.pass(scene.migrate().promise)).rejects.toMatchObject({ code: "busy" });
    const mark = scene.agent("h1").control.mark(vmId, 2);
    await expect(scene.pass(mark)).rejects.toMatchObject({ code: "busy" });
    await scene.pass(first.promise);
  });
});

describe("a simulated migration that is disturbed", () => {
  it("goes on when the agent dies, and is found again by the next one", async () => {
    const scene = new Scene();
    await scene.startVm();
    const first = scene.migrate();
    await scene.clock.runFor(1_500);
    await scene.killAgent("h1");
    await expect(scene.pass(first.promise)).rejects.toMatchObject({ code: "cancelled" });
    const progress: string[] = [];
    const watcher = {
      onProgress: (phase: string) => progress.push(phase),
      signal: new AbortController().signal,
    };
    const stats = await scene.pass(scene.agent("h1").migration.reattach(vmId, watcher));
    expect(stats?.processedBytes).toBeGreaterThan(0n);
    expect(progress).toContain("copying memory");
    expect(scene.states()).toEqual({ h2: "running" });
  });

  it.each([
    {
      event: "the source's libvirtd dies",
      act: (scene: Scene) => {
        scene.world.libvirtd("h1", "restart");
      },
      outcome: "unreachable",
      withinMs: 300,
    },
    {
      event: "the target's libvirtd dies",
      act: (scene: Scene) => {
        scene.world.libvirtd("h2", "restart");
      },
      outcome: "hypervisor-failed",
      withinMs: 300,
    },
    {
      event: "the target loses power",
      act: (scene: Scene) => {
        scene.world.powerCut("h2");
      },
      outcome: "hypervisor-failed",
      withinMs: 16_000,
    },
    {
      event: "the link is cut",
      act: (scene: Scene) => {
        scene.world.cutLink("h1", "h2");
      },
      outcome: "hypervisor-failed",
      withinMs: 16_000,
    },
    {
      event: "the target's copy is destroyed",
      act: (scene: Scene) => {
        scene.world.virsh("h2", vmId, "destroy");
      },
      outcome: "hypervisor-failed",
      withinMs: 300,
    },
    {
      event: "somebody cancels",
      act: (_scene: Scene, abort: AbortController) => {
        abort.abort();
      },
      outcome: "cancelled",
      withinMs: 400,
    },
  ])("fails when $event, and the guest runs on", async ({ act, outcome, withinMs }) => {
    const scene = new Scene();
    await scene.startVm();
    const bootId = scene.world.guest(vmId)?.bootId;
    const migration = scene.migrate();
    await scene.clock.runFor(2_000);
    act(scene, migration.abort);
    await scene.clock.runFor(withinMs);
    expect(migration.text()).toBe(outcome);
    expect(scene.states()).toEqual({ h1: "running" });
    expect(scene.world.guest(vmId)?.bootId).toBe(bootId);
    const retry = scene.migrate({ targetUri: "simulated://h3" });
    await scene.pass(retry.promise);
    expect(scene.states()).toEqual({ h3: "running" });
    expect(scene.world.violations).toEqual([]);
  });

  it("survives a link that comes back before anybody gives up", async () => {
    const scene = new Scene();
    await scene.startVm();
    const migration = scene.migrate();
    await scene.clock.runFor(2_000);
    scene.world.isolate("h2");
    await scene.clock.runFor(10_000);
    scene.world.rejoin("h2");
    await scene.pass(migration.promise);
    expect(scene.states()).toEqual({ h2: "running" });
  });

  it("ends with the guest when the source loses power", async () => {
    const scene = new Scene();
    await scene.startVm();
    const migration = scene.migrate();
    await scene.clock.runFor(2_000);
    scene.world.powerCut("h1");
    await scene.clock.runFor(1_000);
    expect(migration.text()).toBe("unreachable");
    expect(scene.states()).toEqual({ h1: "stopped" });
  });

  it("leaves a stopped copy behind when the source's libvirtd dies in the last moment", async () => {
    const scene = new Scene();
    await scene.startVm();
    const migration = scene.migrate();
    await scene.clock.runUntil(() => scene.states()["h2"] === "running", 60_000);
    scene.world.libvirtd("h1", "restart");
    await scene.clock.runFor(1_000);
    expect(migration.text()).toBe("unreachable");
    expect(scene.states()).toEqual({ h1: "stopped", h2: "running" });
    const left = await scene.pass(scene.agent("h1").watch.observe(vmId));
    expect(left).toMatchObject({ state: "stopped", reason: "migrated" });
    expect(scene.world.violations).toEqual([]);
  });

  it("never has two owners or none, whatever happens whenever", async () => {
    const events = [
      (scene: Scene): void => scene.world.libvirtd("h1", "restart"),
      (scene: Scene): void => scene.world.libvirtd("h2", "restart"),
      (scene: Scene): void => scene.world.cutLink("h1", "h2"),
      (scene: Scene): void => scene.world.powerCut("h2"),
      (scene: Scene): void => scene.world.libvirtd("h2", "freeze"),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 6_000 }),
        fc.constantFrom(...events),
        fc.boolean(),
        async (atMs, event, agentDies) => {
          const scene = new Scene();
          await scene.startVm();
          const migration = scene.migrate();
          await scene.clock.runFor(atMs);
          if (agentDies) await scene.killAgent("h1");
          event(scene);
          await scene.clock.runFor(60_000);
          expect(migration.ended()).toBe(true);
          const running = scene.world.runningOn(vmId);
          const lost = scene.world.host("h2").isPowered ? 0 : 1;
          expect(running.length).toBeGreaterThanOrEqual(1 - lost);
          expect(running.length).toBeLessThanOrEqual(1);
          expect(scene.world.violations).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
