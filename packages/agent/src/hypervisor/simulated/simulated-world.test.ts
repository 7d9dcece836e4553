/** What only the simulation can be asked of hosts and guests; and that the same seed gives the same history. */
import { describe, expect, it } from "vitest";
import { sampleDefinition } from "../testing/definition-samples.ts";
import type { VmChange } from "../hypervisor.ts";
import { disks, Scene, vmId } from "../testing/scene.ts";

describe("a simulated host", () => {
  it("keeps definitions through a power cut, and nothing else", async () => {
    const scene = new Scene();
    await scene.startVm();
    const system = scene.world.system("h1");
    const { bootId } = await system.readFacts();
    scene.world.powerCut("h1");
    await expect(scene.pass(scene.agent("h1").watch.list())).rejects.toMatchObject({
      code: "unreachable",
    });
    expect(await scene.pass(scene.agent("h1").watch.isAlive(1_000))).toBe(false);
    scene.world.boot("h1");
    const [vm] = await scene.pass(scene.agent("h1").watch.list());
    expect(vm).toMatchObject({ state: "stopped", reason: "unknown", managed: true });
    expect((await system.readFacts()).bootId).not.toBe(bootId);
    await scene.pass(scene.agent("h1").control.power(vmId, "start"));
    expect(scene.world.guest(vmId)?.count).toBe(0);
  });

  it("tells of a restart of libvirtd as a gap, and guests run on", async () => {
    const scene = new Scene();
    await scene.startVm();
    const seen: VmChange[] = [];
    const stop = new AbortController();
    const reading = (async () => {
      for await (const change of scene.agent("h1").watch.changes(stop.signal)) seen.push(change);
    })();
    await scene.clock.settle();
    expect(seen).toEqual([{ kind: "gap" }]);
    scene.world.libvirtd("h1", "restart");
    await scene.clock.settle();
    expect(seen).toEqual([{ kind: "gap" }, { kind: "gap" }]);
    scene.world.virsh("h1", vmId, "destroy");
    await scene.clock.settle();
    expect(seen.at(-1)).toEqual({ kind: "changed", vmId });
    stop.abort();
    await scene.pass(reading);
  });

  it("records it when a VM gets a second owner", async () => {
    const scene = new Scene();
    await scene.startVm();
    const definition = sampleDefinition({ disks });
    await scene.pass(scene.agent("h2").control.define(definition));
    await scene.pass(scene.agent("h2").control.power(vmId, "start"));
    expect(scene.world.violations.map(({ message }) => message)).toEqual([
      `vm ${vmId} runs on h1 and on h2`,
      `disk shared/shared/${vmId}-0.qcow2 has owners on h1 and on h2`,
    ]);
  });

  it("lets a guest ignore the power button", async () => {
    const scene = new Scene();
    await scene.startVm();
    scene.world.setGuest(vmId, { ignoresShutdown: true });
    await scene.pass(scene.agent("h1").control.power(vmId, "shutdown"));
    await scene.clock.runFor(60_000);
    expect(scene.states()).toEqual({ h1: "running" });
  });

  it("lets a paused guest shut down once it is resumed", async () => {
    const scene = new Scene();
    await scene.startVm();
    const { control } = scene.agent("h1");
    await scene.pass(control.power(vmId, "pause"));
    await scene.pass(control.power(vmId, "shutdown"));
    await scene.clock.runFor(10_000);
    expect(scene.states()).toEqual({ h1: "paused" });
    await scene.pass(control.power(vmId, "resume"));
    await scene.clock.runFor(10_000);
    expect(scene.states()).toEqual({ h1: "stopped" });
  });

  it("gives a rebooted guest a new boot id", async () => {
    const scene = new Scene();
    await scene.startVm();
    await scene.clock.runFor(10_000);
    const before = scene.world.guest(vmId);
    await scene.pass(scene.agent("h1").control.power(vmId, "reboot"));
    await scene.clock.runFor(2_000);
    expect(scene.world.guest(vmId)?.bootId).not.toBe(before?.bootId);
    expect(scene.world.guest(vmId)?.count).toBeLessThan(before?.count ?? 0);
  });

  it("leaves a hung guest out of its samples", async () => {
    const scene = new Scene();
    await scene.startVm();
    scene.world.setGuest(vmId, { hung: true });
    expect([...(await scene.pass(scene.agent("h1").watch.sample()))]).toEqual([]);
  });
});

describe("an injected fault", () => {
  const start = (scene: Scene): Promise<void> =>
    scene.pass(scene.agent("h1").control.power(vmId, "start"));

  async function defined(): Promise<Scene> {
    const scene = new Scene();
    await scene.pass(scene.agent("h1").control.define(sampleDefinition({ disks })));
    return scene;
  }

  it("fails one call and changes nothing", async () => {
    const scene = await defined();
    scene.world.inject("h1", { operation: "start", effect: { kind: "fail", message: "no luck" } });
    await expect(start(scene)).rejects.toMatchObject({
      code: "hypervisor-failed",
      cause: { message: "no luck" },
    });
    expect(scene.states()).toEqual({ h1: "stopped" });
    await start(scene);
  });

  it("loses an answer after the deed", async () => {
    const scene = await defined();
    scene.world.inject("h1", { operation: "any", effect: { kind: "lose-answer" } });
    await expect(start(scene)).rejects.toMatchObject({ code: "unreachable" });
    expect(scene.states()).toEqual({ h1: "running" });
  });

  it("hangs until it is cleared", async () => {
    const scene = await defined();
    scene.world.inject("h1", { operation: "start", vmId, effect: { kind: "hang" } });
    const starting = scene.agent("h1").control.power(vmId, "start");
    const outcome = scene.outcome(starting);
    await scene.clock.runFor(600_000);
    expect(outcome.ended()).toBe(false);
    scene.world.clearFaults("h1");
    await scene.pass(starting);
    expect(scene.states()).toEqual({ h1: "running" });
  });

  it("slows a call down", async () => {
    const scene = await defined();
    scene.world.inject("h1", { operation: "start", effect: { kind: "slow", extraMs: 30_000 } });
    const beganMs = scene.clock.now();
    await start(scene);
    expect(scene.clock.now() - beganMs).toBeGreaterThanOrEqual(30_000);
  });

  it("freezes libvirtd, which then does not count as alive", async () => {
    const scene = await defined();
    scene.world.libvirtd("h1", "freeze");
    const starting = scene.agent("h1").control.power(vmId, "start");
    expect(await scene.pass(scene.agent("h1").watch.isAlive(2_000))).toBe(false);
    scene.world.libvirtd("h1", "thaw");
    await scene.pass(starting);
    expect(await scene.pass(scene.agent("h1").watch.isAlive(2_000))).toBe(true);
  });
});

describe("the simulated world", () => {
  it("has the same history for the same seed", async () => {
    const history = async (seed: number): Promise<readonly string[]> => {
      const scene = new Scene(seed);
      const lines: string[] = [];
      const note = (line: string): void => {
        lines.push(`${String(scene.clock.now())} ${line}`);
      };
      await scene.startVm();
      note(scene.world.guest(vmId)?.bootId ?? "");
      const migration = scene.migrate({ autoConverge: true, bandwidthMibPerSecond: 100 });
      await scene.pass(migration.promise);
      for (const { phase, stats } of migration.progress) {
        note(`${phase} ${String(stats.processedBytes)} ${String(stats.elapsedMs)}`);
      }
      return lines;
    };
    const first = await history(5);
    expect(await history(5)).toEqual(first);
    expect(await history(6)).not.toEqual(first);
  });

  it("leaves nothing running when it ends", async () => {
    const scene = new Scene();
    await scene.startVm();
    const migration = scene.migrate();
    await scene.clock.runFor(1_000);
    await scene.world[Symbol.asyncDispose]();
    await expect(scene.pass(migration.promise)).rejects.toMatchObject({ code: "cancelled" });
  });
});
