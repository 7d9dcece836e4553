/**
 * The hypervisor ports over a `SimulatedWorld`: `muster-agent simulate`, and every test of a whole cluster. One
 * of these lives as long as one agent process; what it shows lives in the world.
 */
import {
  MusterError,
  type ClusterId,
  type MigrateAction,
  type MigrationStats,
  type VmId,
  type VmObservation,
  type VmSpec,
  type VmUsage,
} from "@muster/model";
import { ChangeQueue } from "../change-queue.ts";
import type {
  ConsoleStream,
  HostFacts,
  Hypervisor,
  MigrationWatcher,
  PowerAction,
  VmChange,
  VmConsole,
  VmControl,
  VmDefinition,
  VmMigration,
  VmSeeds,
  VmWatch,
} from "../hypervisor.ts";
import { raceAbort } from "../race-abort.ts";
import { DomainOperations, type Owner } from "./domain-operations.ts";
import type { MigrationJob } from "./migration-job.ts";
import { openSimulatedConsole } from "./simulated-console.ts";
import { openSimulatedReports } from "./simulated-reports.ts";
import { currentConfig, isManaged, observationOf, usageOf } from "./simulated-domain.ts";
import { renderHostFacts } from "./simulated-facts.ts";
import { untilAborted, type Call, type SimulatedHost } from "./simulated-host.ts";
import type { SimulatedWorld } from "./simulated-world.ts";

export class SimulatedHypervisor implements Hypervisor, VmWatch, VmControl, VmMigration, VmConsole {
  readonly #world: SimulatedWorld;
  readonly #host: SimulatedHost;
  readonly #operations: DomainOperations;
  readonly #clusterId: () => ClusterId | undefined;
  /** Aborts when the agent is gone. */
  readonly #closing = new AbortController();

  constructor(parts: {
    readonly world: SimulatedWorld;
    readonly host: string;
    /** Whose marks count as ours; while it gives undefined, everybody's. */
    readonly clusterId?: () => ClusterId | undefined;
  }) {
    this.#world = parts.world;
    this.#host = parts.world.host(parts.host);
    this.#operations = new DomainOperations({ world: parts.world, host: this.#host });
    this.#clusterId = parts.clusterId ?? ((): undefined => undefined);
  }

  get watch(): VmWatch {
    return this;
  }

  get control(): VmControl {
    return this;
  }

  get migration(): VmMigration {
    return this;
  }

  get console(): VmConsole {
    return this;
  }

  get seeds(): VmSeeds {
    return {
      place: (vmId, spec) =>
        this.#call({ operation: "place-seed", vmId }, () => {
          this.#world.storages.placeSeed(this.#host, vmId, spec);
        }),
      remove: (vmId, spec) =>
        this.#call({ operation: "remove-seed", vmId }, () => {
          this.#world.storages.removeSeed(this.#host, vmId, spec);
        }),
      openReports: (vmId) =>
        this.#call({ operation: "reports", vmId }, () =>
          openSimulatedReports({
            clock: this.#world.clock,
            host: this.#host,
            vmId,
            closed: AbortSignal.any([this.#closing.signal, this.#world.closed, this.#host.life]),
            lines: this.#world.firstBootOf(vmId),
          }),
        ),
    };
  }

  /** As when the agent's process ends: nothing comes back to it any more, what libvirt was told goes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new MusterError("cancelled", "the hypervisor was closed"));
  }

  // Watch.

  async list(): Promise<readonly VmObservation[]> {
    return this.#call({ operation: "list" }, () =>
      this.#world.domains(this.#host.name, this.#clusterId()),
    );
  }

  async observe(vmId: VmId): Promise<VmObservation | undefined> {
    return this.#call({ operation: "observe", vmId }, () => {
      const domain = this.#host.domains.get(vmId);
      return domain === undefined ? undefined : observationOf(domain, this.#clusterId());
    });
  }

  async sample(): Promise<ReadonlyMap<VmId, VmUsage>> {
    return this.#call({ operation: "sample" }, () => {
      const usages = new Map<VmId, VmUsage>();
      for (const { vmId, live } of this.#host.domains.values()) {
        if (live === undefined || live.incoming || this.#world.guestBehaviour(live).hung) continue;
        usages.set(vmId, usageOf(live, this.#world.clock.now()));
      }
      return usages;
    });
  }

  async *changes(signal: AbortSignal): AsyncGenerator<VmChange, void, undefined> {
    const queue = new ChangeQueue();
    queue.put({ kind: "gap" });
    const stopListening = this.#host.listen((change) => {
      queue.put(change);
    });
    try {
      yield* queue.read(AbortSignal.any([signal, this.#closing.signal]));
    } finally {
      stopListening();
    }
  }

  async isAlive(timeoutMs: number): Promise<boolean> {
    if (!this.#host.isLibvirtdUp || this.#closing.signal.aborted) return false;
    if (!this.#host.isFrozen) return true;
    const timeUp = new AbortController();
    const slept = this.#world.clock.sleep(timeoutMs, this.#host.life).then(
      () => {
        timeUp.abort();
      },
      () => {
        timeUp.abort();
      },
    );
    await untilAborted(timeUp.signal, this.#closing.signal);
    await slept;
    return this.#host.isLibvirtdUp && !this.#host.isFrozen;
  }

  async facts(): Promise<HostFacts> {
    return this.#call({ operation: "facts" }, () =>
      renderHostFacts(this.#host, this.#world.storages),
    );
  }

  // Control.

  async define(definition: VmDefinition): Promise<void> {
    const { vmId } = definition;
    return this.#call({ operation: "define", vmId }, () => {
      this.#operations.define(definition, this.#owner);
    });
  }

  async power(vmId: VmId, action: PowerAction): Promise<void> {
    return this.#call({ operation: action, vmId }, () => {
      this.#operations.power(vmId, action, this.#owner);
    });
  }

  async mark(vmId: VmId, generation: number): Promise<void> {
    return this.#call({ operation: "mark", vmId }, () => {
      this.#operations.mark(vmId, generation, this.#owner);
    });
  }

  async undefine(vmId: VmId): Promise<void> {
    return this.#call({ operation: "undefine", vmId }, () => {
      this.#operations.undefine(vmId, this.#owner);
    });
  }

  async removeVolumes(vmId: VmId, spec: VmSpec): Promise<void> {
    return this.#call({ operation: "remove-volumes", vmId }, () => {
      this.#operations.removeVolumes(vmId, spec);
    });
  }

  // Migration.

  async checkArrival(vmId: VmId, spec: VmSpec): Promise<void> {
    return this.#call({ operation: "check-arrival", vmId }, () => {
      this.#operations.checkArrival(vmId, spec);
    });
  }

  async migrate(action: MigrateAction, watcher: MigrationWatcher): Promise<MigrationStats> {
    const { vmId } = action;
    const job = await this.#call({ operation: "migrate", vmId }, () => {
      this.#refuseWild(vmId);
      if (watcher.signal.aborted) throw new MusterError("cancelled", `vm ${vmId} was not moved`);
      return this.#world.startMigration(this.#host, action);
    });
    return this.#follow(job, watcher);
  }

  async reattach(vmId: VmId, watcher: MigrationWatcher): Promise<MigrationStats | undefined> {
    const job = await this.#call(
      { operation: "observe", vmId },
      () => this.#host.domains.get(vmId)?.live?.job,
    );
    return job === undefined ? undefined : this.#follow(job, watcher);
  }

  async #follow(job: MigrationJob, watcher: MigrationWatcher): Promise<MigrationStats> {
    const stopListening = job.listen(watcher);
    const cancel = (): void => {
      job.cancel();
    };
    watcher.signal.addEventListener("abort", cancel);
    if (watcher.signal.aborted) cancel();
    watcher.onProgress(job.phase, job.stats);
    try {
      return await raceAbort(job.outcome, this.#closing.signal);
    } finally {
      stopListening();
      watcher.signal.removeEventListener("abort", cancel);
    }
  }

  // Console.

  async open(vmId: VmId, options: { readonly force: boolean }): Promise<ConsoleStream> {
    return this.#call({ operation: "console", vmId }, () =>
      openSimulatedConsole({
        clock: this.#world.clock,
        host: this.#host,
        vmId,
        force: options.force,
        closed: AbortSignal.any([this.#closing.signal, this.#world.closed, this.#host.life]),
      }),
    );
  }

  get #owner(): Owner {
    return { clusterId: this.#clusterId() };
  }

  #refuseWild(vmId: VmId): void {
    const domain = this.#host.domains.get(vmId);
    if (domain === undefined || isManaged(currentConfig(domain), this.#clusterId())) return;
    const message = `vm ${vmId} on host ${this.#host.name} is not managed here and is left alone`;
    throw new MusterError("forbidden", message);
  }

  #call<Result>(call: Call, effect: () => Result): Promise<Result> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason as Error);
    return raceAbort(this.#host.call(call, effect), this.#closing.signal);
  }
}
