/** Three simulated hosts and a VM of 2 GiB that runs on the first: what the tests of this folder play with. */
import { GIB, isMusterError, type MigrateAction, type MigrationStats } from "@muster/model";
import { seededRandom, SimulatedClock } from "@muster/runtime";
import { sampleClusterId, sampleDefinition, sampleVmId } from "./definition-samples.ts";
import { migrateAction } from "./contract-setting.ts";
import { SimulatedHypervisor } from "../simulated/simulated-hypervisor.ts";
import { SimulatedWorld } from "../simulated/simulated-world.ts";

export const vmId = sampleVmId(1);
export const disks = [{ storage: "shared", sizeBytes: 1n * GIB }];

interface Progress {
  readonly phase: string;
  readonly stats: MigrationStats;
}

export class Scene {
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

export interface Migration {
  readonly promise: Promise<MigrationStats>;
  readonly progress: readonly Progress[];
  readonly abort: AbortController;
  readonly ended: () => boolean;
  readonly text: () => string;
}
