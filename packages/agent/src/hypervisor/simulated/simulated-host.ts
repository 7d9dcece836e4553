/**
 * One simulated host: its power, its libvirtd and the domains libvirtd knows. Calls from outside pass through
 * `call`, which takes simulated time, meets injected faults and breaks when libvirtd dies.
 */
import { assert, MusterError, type VmId } from "@muster/model";
import type { Clock } from "@muster/runtime";
import type { VmChange } from "../hypervisor.ts";
import { FaultBox, type SimulatedOperation } from "./faults.ts";
import type { SimulatedHostFacts } from "./host-options.ts";
import type { SimulatedDomain } from "./simulated-domain.ts";

/** A guess for one round trip to libvirtd and back, milliseconds; what takes longer says so. */
const CALL_MS = 2;

const operationTimesMs: Partial<Record<SimulatedOperation, number>> = {
  define: 40,
  start: 400,
  destroy: 60,
  undefine: 15,
  "remove-volumes": 25,
  "check-arrival": 20,
  facts: 30,
};

export interface Call {
  readonly operation: SimulatedOperation;
  readonly vmId?: VmId;
}

export class SimulatedHost {
  readonly facts: SimulatedHostFacts;
  readonly uuid: string;
  readonly domains = new Map<VmId, SimulatedDomain>();
  readonly faults = new FaultBox();
  readonly #clock: Clock;
  readonly #listeners = new Set<(change: VmChange) => void>();
  #powered = true;
  #libvirtd: "running" | "down" | "frozen" = "running";
  #bootCount = 1;
  /** Aborts when this life of libvirtd ends. */
  #life = new AbortController();
  #thawed = new AbortController();

  constructor(parts: {
    readonly facts: SimulatedHostFacts;
    readonly uuid: string;
    readonly clock: Clock;
  }) {
    this.facts = parts.facts;
    this.uuid = parts.uuid;
    this.#clock = parts.clock;
  }

  get name(): string {
    return this.facts.name;
  }

  get isPowered(): boolean {
    return this.#powered;
  }

  get isLibvirtdUp(): boolean {
    return this.#libvirtd !== "down";
  }

  get isFrozen(): boolean {
    return this.#libvirtd === "frozen";
  }

  get bootId(): string {
    return `${this.uuid}-${String(this.#bootCount)}`;
  }

  /** The current life of libvirtd; aborted with it. */
  get life(): AbortSignal {
    return this.#life.signal;
  }

  powerCut(): void {
    if (!this.#powered) return;
    this.#powered = false;
    for (const domain of [...this.domains.values()]) {
      domain.live?.guest.pause();
      domain.live = undefined;
      domain.crashed = false;
      // libvirt's state directory did not outlive the power cut: it no longer knows why.
      domain.reason = "unknown";
      if (domain.config === undefined) this.domains.delete(domain.vmId);
    }
    this.killLibvirtd();
  }

  boot(): void {
    if (this.#powered) return;
    this.#powered = true;
    this.#bootCount += 1;
    this.startLibvirtd();
  }

  killLibvirtd(): void {
    if (this.#libvirtd === "down") return;
    this.#libvirtd = "down";
    this.#life.abort(
      new MusterError("unreachable", `the connection to libvirt on ${this.name} was lost`),
    );
  }

  startLibvirtd(): void {
    if (!this.#powered || this.#libvirtd !== "down") return;
    this.#libvirtd = "running";
    this.#life = new AbortController();
    this.emit({ kind: "gap" });
  }

  freezeLibvirtd(): void {
    if (this.#libvirtd === "running") this.#libvirtd = "frozen";
  }

  thawLibvirtd(): void {
    if (this.#libvirtd !== "frozen") return;
    this.#libvirtd = "running";
    this.#thawed.abort();
    this.#thawed = new AbortController();
  }

  listen(listener: (change: VmChange) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  emit(change: VmChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }

  changed(vmId: VmId): void {
    if (this.#libvirtd === "running") this.emit({ kind: "changed", vmId });
  }

  /** Runs `effect` as libvirtd would: after a while, at once as a whole, even if the caller has died. */
  async call<Result>({ operation, vmId }: Call, effect: () => Result): Promise<Result> {
    const life = this.requireLibvirtd();
    const fault = this.faults.take(operation, vmId);
    const slowMs = fault?.kind === "slow" ? fault.extraMs : 0;
    await this.#clock.sleep((operationTimesMs[operation] ?? CALL_MS) + slowMs, life);
    await this.#untilAnswering(life);
    if (fault?.kind === "hang") await untilAborted(this.faults.cleared, life);
    if (fault?.kind === "fail") {
      const message = `failed to ${operation} on host ${this.name}`;
      throw new MusterError("hypervisor-failed", message, {
        cause: new Error(fault.message ?? "internal error: a simulated fault"),
      });
    }
    const result = effect();
    if (fault?.kind === "lose-answer") {
      throw new MusterError("unreachable", `libvirt on ${this.name} closed the connection`);
    }
    return result;
  }

  /** The current life of libvirtd, or "unreachable". */
  requireLibvirtd(): AbortSignal {
    if (this.#libvirtd === "down") {
      throw new MusterError("unreachable", `cannot reach libvirt on host ${this.name}`, {
        cause: new Error("connect ECONNREFUSED"),
      });
    }
    assert(this.#powered, "libvirtd only runs on a powered host");
    return this.#life.signal;
  }

  async #untilAnswering(life: AbortSignal): Promise<void> {
    while (this.#libvirtd === "frozen") await untilAborted(this.#thawed.signal, life);
  }
}

/** Resolves when `wanted` aborts; rejects with the reason of `broken` when that comes first. */
export function untilAborted(wanted: AbortSignal, broken: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      wanted.removeEventListener("abort", settle);
      broken.removeEventListener("abort", settle);
      if (wanted.aborted) resolve();
      else reject(broken.reason as Error);
    };
    wanted.addEventListener("abort", settle);
    broken.addEventListener("abort", settle);
    if (wanted.aborted || broken.aborted) settle();
  });
}
