/**
 * What only the simulation can be asked: faults at every moment of a migration, agents that die, hosts that lose
 * power, and that the same seed gives the same history. S1 is checked by the world itself.
 */
import { GIB, isMusterError, MIB, type MigrateAction, type MigrationStats } from "@muster/model";
import { seededRandom, SimulatedClock } from "@muster/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleClusterId, sampleDefinition, sampleVmId } from "../domain-xml/definition-samples.ts";
import { migrateAction } from "../hypervisor-contract.ts";
import type { VmChange } from "../hypervisor.ts";
import { SimulatedHypervisor } from "./simulated-hypervisor.ts";
import { SimulatedWorld } from "./simulated-world.ts";

const vmId = sampleVmId(1);
const disks = [{ storage: "shared", sizeBytes: 1n * GIB }];

interface Progress {
  readonly phase: string;
  readonly stats: MigrationStats;
}

/** Three hosts, and a VM of 2 GiB that runs on the first. */
class Scene {
  readonly clock = new SimulatedClock();
  readonly world: SimulatedWorld;
  readonly #agents = new Map<string, SimulatedHypervisor>();

  constructor(seed = 1) {
    this.world = new SimulatedWorld({ clock: this.clock, random: seededRandom(seed) });
    for (const name of ["h1", "h2", "h3"]) {
      this.world.addHost({ name, addresses: [`10.99.0.${name.slice(1)}`] });
    }
  }

  agent(host: string): SimulatedHypervisor {
    const known = this.#agents.get(host);
    if (known !== undefined) return known;
    const agent = new SimulatedHypervisor({
      world: this.world,
      host,
      clusterId: () => sampleClusterId,
    });
    this.#agents.set(host, agent);
    return agent;
  }

  /** The next use of the host's agent is a new life of it. */
  async killAgent(host: string): Promise<void> {
    await this.agent(host)[Symbol.asyncDispose]();
    this.#agents.delete(host);
  }

  async pass<Value>(promise: Promise<Value>): Promise<Value> {
    const outcome = this.outcome(promise);
    await this.clock.runUntil(() => outcome.ended(), 3_600_000);
    return promise;
  }

  outcome(promise: Promise<unknown>): {
    readonly ended: () => boolean;
    readonly text: () => string;
  } {
    let text = "";
    promise.then(
      () => (text = "done"),
      (error: unknown) => (text = isMusterError(error) ? error.code : String(error)),
    );
    return { ended: () => text !== "", text: () => text };
  }

  async startVm(
    options: { readonly memoryBytes?: bigint; readonly storage?: string } = {},
  ): Promise<void> {
    const definition = sampleDefinition({
      memoryBytes: options.memoryBytes ?? 2n * GIB,
      disks: disks.map((disk) => ({ ...disk, storage: options.storage ?? disk.storage })),
    });
    await this.pass(this.agent("h1").control.define(definition));
    await this.pass(this.agent("h1").control.power(vmId, "start"));
  }

  migrate(change: Partial<MigrateAction> = {}, abort = new AbortController()): Migration {
    const progress: Progress[] = [];
    const action = migrateAction(vmId, "qemu+tls://10.99.0.2/system", change);
    const promise = this.agent("h1").migration.migrate(action, {
      onProgress: (phase, stats) => progress.push({ phase, stats }),
      signal: abort.signal,
    });
    return { promise, progress, abort, ...this.outcome(promise) };
  }

  states(): Readonly<Record<string, string>> {
    const states: Record<string, string> = {};
    for (const host of this.world.hosts) {
      const vm = this.world.domains(host.name).find(({ id }) => id === vmId);
      if (vm !== undefined) states[host.name] = vm.state;
    }
    return states;
  }
}

interface Migration {
  readonly promise: Promise<MigrationStats>;
  readonly progress: readonly Progress[];
  readonly abort: AbortController;
  readonly ended: () => boolean;
  readonly text: () => string;
}

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
