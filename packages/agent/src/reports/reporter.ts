/**
 * Says what the host has and runs: everything when a session opens and every minute, and what changed as soon as
 * libvirt says so. It remembers what was last told, so that only differences travel.
 */
import {
  toJson,
  type AgentMessage,
  type CommandId,
  type HostInventory,
  type HostLoad,
  type HostNetworkObservation,
  type NetworkObservation,
  type VmId,
  type VmObservation,
  type VmUsage,
} from "@muster/model";
import type { Log } from "@muster/runtime";
import type { VmWatch } from "../hypervisor/hypervisor.ts";

export interface ReporterParts {
  readonly watch: VmWatch;
  readonly inventory: () => Promise<HostInventory>;
  readonly load: () => Promise<HostLoad>;
  readonly networks: () => readonly NetworkObservation[];
  readonly hostNetwork: () => HostNetworkObservation | undefined;
  readonly runningCommandIds: () => readonly CommandId[];
  readonly log: Log;
}

export type Send = (message: AgentMessage) => void;

export class Reporter {
  readonly #parts: ReporterParts;
  #send: Send | undefined;
  #sequence = 0n;
  #sent = { full: 0, delta: 0 };
  #load: HostLoad | undefined;
  #told = new Map<VmId, VmObservation>();
  #usage: ReadonlyMap<VmId, VmUsage> = new Map();
  /** Reports are made one at a time, so that what is told last is what was seen last. */
  #tail: Promise<void> = Promise.resolve();

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  get sent(): { readonly full: number; readonly delta: number } {
    return this.#sent;
  }

  get load(): HostLoad | undefined {
    return this.#load;
  }

  get sequence(): bigint {
    return this.#sequence;
  }

  /** What the host runs, as last seen, with the last sample of its use. */
  get vms(): readonly VmObservation[] {
    return [...this.#told.values()].map((vm) => this.#withUsage(vm));
  }

  /** A session opened: nothing is told before the next full report. */
  open(send: Send): void {
    this.#send = send;
    this.#sequence = 0n;
  }

  close(): void {
    this.#send = undefined;
  }

  sampled(usage: ReadonlyMap<VmId, VmUsage>): void {
    this.#usage = usage;
  }

  /** Rejects when the hypervisor cannot be asked. */
  reportFully(): Promise<void> {
    return this.#enqueue(() => this.#full());
  }

  /** Looks at one VM again and tells if it differs from what was last told. `begun` is called before the look. */
  reportVm(vmId: VmId, begun: () => void): void {
    this.#enqueue(() => {
      begun();
      return this.#delta(vmId);
    }).catch((error: unknown) => {
      this.#parts.log.warn({ vmId, err: error }, "a VM could not be looked at");
    });
  }

  #enqueue(report: () => Promise<void>): Promise<void> {
    const turn = this.#tail.then(report);
    this.#tail = turn.then(ignore, ignore);
    return turn;
  }

  async #full(): Promise<void> {
    const { watch, inventory, load, networks, runningCommandIds } = this.#parts;
    const hostNetwork = this.#parts.hostNetwork();
    const [seen, what, now] = await Promise.all([watch.list(), inventory(), load()]);
    this.#told = new Map(seen.map((vm) => [vm.id, vm]));
    this.#load = now;
    if (this.#send === undefined) return;
    this.#sequence += 1n;
    this.#sent.full += 1;
    this.#send({
      kind: "full-report",
      sequence: this.#sequence,
      inventory: what,
      vms: this.vms,
      networks: networks(),
      load: now,
      runningCommandIds: runningCommandIds(),
      ...(hostNetwork === undefined ? {} : { hostNetwork }),
    });
  }

  async #delta(vmId: VmId): Promise<void> {
    const seen = await this.#parts.watch.observe(vmId);
    const told = this.#told.get(vmId);
    if (seen === undefined) this.#told.delete(vmId);
    else this.#told.set(vmId, seen);
    if (this.#send === undefined || this.#sequence === 0n) return;
    if (toJson(seen ?? null) === toJson(told ?? null)) return;
    this.#sequence += 1n;
    this.#sent.delta += 1;
    this.#send({
      kind: "delta-report",
      sequence: this.#sequence,
      vms: seen === undefined ? [] : [this.#withUsage(seen)],
      removedVms: seen === undefined ? [vmId] : [],
      networks: [],
    });
  }

  #withUsage(vm: VmObservation): VmObservation {
    const usage = this.#usage.get(vm.id);
    return usage === undefined || vm.state === "stopped" ? vm : { ...vm, usage };
  }
}

function ignore(): void {
  // Whoever asked for the report has its outcome.
}
