/**
 * Keeps promise S1 on the side of the host: guarded VMs run here only while the coordinator cannot start them
 * elsewhere. It asks for the lease with every heartbeat, feeds the watchdog, stops guarded VMs when the lease ends, and
 * stops the watchdog only once the coordinator has recorded that it no longer counts on it.
 */
import { isActive, type LeaseRequest, type VmId } from "@muster/model";
import type { Clock, Log, Reconciler } from "@muster/runtime";
import type { Assigned } from "../assignments/assigned.ts";
import type { Hypervisor } from "../hypervisor/hypervisor.ts";
import { decideGuard, guardPeriodMs, isLeaseValid } from "./decide-guard.ts";
import type { BootClock, LeaseStore, Watchdog } from "./watchdog.ts";

export interface GuardParts {
  /** Absent: this host has none, and guards nothing. */
  readonly watchdog?: Watchdog;
  readonly bootClock: BootClock;
  readonly leases: LeaseStore;
  readonly hypervisor: Hypervisor;
  readonly assigned: () => Assigned | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

type GuardState =
  | { readonly name: "idle" }
  | { readonly name: "armed"; readonly timeoutMs: number; readonly leaseEndsMs: number };

interface Asked {
  readonly sentMs: number;
  readonly leaseMs: number;
  readonly watchdogTimeoutMs: number;
}

/** Longer, and the watchdog would fire although the lease may have been renewed meanwhile. */
const LIBVIRT_LIMIT_MS = 2_000;
/** Requests without an answer that are remembered: more than are sent in any lease. */
const ASKED_MAX = 100;
/** How long a stopping agent waits for the coordinator to record that the watchdog stops. */
const RELEASE_LIMIT_MS = 2_000;
const RELEASE_LOOK_MS = 50;
const IDLE_PERIOD_MS = 5_000;

export class Guard implements Reconciler {
  readonly name = "guard";
  readonly #parts: GuardParts;
  readonly #asked = new Map<number, Asked>();
  #state: GuardState = { name: "idle" };
  #number = 0;
  #isReleasing = false;
  #hasProblem = false;

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  get periodMs(): number {
    return this.#state.name === "armed" ? guardPeriodMs(this.#state.timeoutMs) : IDLE_PERIOD_MS;
  }

  /** 0: not armed. */
  get watchdogTimeoutMs(): number {
    return this.#state.name === "armed" ? this.#state.timeoutMs : 0;
  }

  get hasLease(): boolean {
    return this.#state.name === "armed" && isLeaseValid(this.#facts(this.#state));
  }

  /** An agent that died left its watchdog running: this one goes on feeding it, under the same lease. */
  async resume(): Promise<void> {
    const { leases, bootClock, log } = this.#parts;
    const kept = await leases.load().catch((error: unknown) => {
      log.warn({ err: error }, "the lease of the last agent cannot be read");
      return undefined;
    });
    if (kept?.armed === true && kept.bootId === bootClock.bootId) await this.#arm(kept.endsMs);
  }

  async reconcile(): Promise<void> {
    if (this.#state.name === "idle") {
      // Armed before the first request is sent, so that nothing the coordinator counts on comes later.
      if (this.#hasGuarded() && !this.#isReleasing) await this.#arm(Number.NEGATIVE_INFINITY);
      return;
    }
    const state = this.#state;
    if (!this.#wasAskedFor(state)) return this.#parts.watchdog?.feed();
    if (isLeaseValid(this.#facts(state))) return this.#parts.watchdog?.feed();
    const active = await this.#activeGuarded();
    await this.#act(state, active);
  }

  /** What to send with a heartbeat now; undefined: this host guards nothing. */
  request(leaseMs: number): LeaseRequest | undefined {
    const state = this.#state;
    if (state.name === "idle" || leaseMs === 0) return undefined;
    this.#number += 1;
    const isWanted = this.#hasGuarded() && !this.#isReleasing;
    const watchdogTimeoutMs = isWanted ? state.timeoutMs : 0;
    const sentMs = this.#parts.bootClock.uptimeMs();
    this.#asked.set(this.#number, { sentMs, leaseMs, watchdogTimeoutMs });
    for (const number of this.#asked.keys()) {
      if (number <= this.#number - ASKED_MAX) this.#asked.delete(number);
    }
    if (isWanted && !this.#wasAskedFor(state)) {
      // From here the coordinator may count on the watchdog, even if its answer is lost.
      this.#keep({ ...state, leaseEndsMs: sentMs + leaseMs });
    }
    const assignmentsRevision = this.#parts.assigned()?.revision ?? 0n;
    return { number: this.#number, watchdogTimeoutMs, assignmentsRevision };
  }

  /** The coordinator has recorded what that request said. */
  granted(number: number): void {
    const asked = this.#asked.get(number);
    if (asked === undefined || this.#state.name === "idle") return;
    for (const older of this.#asked.keys()) if (older <= number) this.#asked.delete(older);
    if (asked.watchdogTimeoutMs > 0) {
      return this.#keep({ ...this.#state, leaseEndsMs: asked.sentMs + asked.leaseMs });
    }
    if (this.#hasGuarded() && !this.#isReleasing) return;
    this.#parts.watchdog?.disarm();
    this.#state = { name: "idle" };
    this.#asked.clear();
    this.#save(Number.NEGATIVE_INFINITY, false);
    this.#parts.log.info({}, "watchdog stopped: no VM here is guarded any more");
  }

  /**
   * The agent stops. The watchdog is stopped when the coordinator has recorded that, or when no guarded VM is active;
   * otherwise it goes on, and the next agent has its timeout to come up.
   */
  async release(askNow: () => void): Promise<void> {
    if (this.#state.name === "idle") return;
    this.#isReleasing = true;
    const { clock, watchdog, log } = this.#parts;
    const untilMs = clock.now() + RELEASE_LIMIT_MS;
    askNow();
    while (this.watchdogTimeoutMs > 0 && clock.now() < untilMs) await clock.sleep(RELEASE_LOOK_MS);
    if (this.watchdogTimeoutMs === 0) return;
    const active = await this.#activeGuarded();
    if (active?.length === 0) return watchdog?.disarm();
    watchdog?.abandon();
    const seconds = this.watchdogTimeoutMs / 1_000;
    log.warn({ seconds }, "the watchdog stays armed: start the agent again, or it resets the host");
  }

  #facts(state: Extract<GuardState, { name: "armed" }>) {
    return { nowMs: this.#parts.bootClock.uptimeMs(), leaseEndsMs: state.leaseEndsMs };
  }

  #wasAskedFor(state: Extract<GuardState, { name: "armed" }>): boolean {
    return state.leaseEndsMs !== Number.NEGATIVE_INFINITY;
  }

  #hasGuarded(): boolean {
    return this.#parts.assigned()?.vms.some((vm) => vm.guarded === true) ?? false;
  }

  async #arm(leaseEndsMs: number): Promise<void> {
    const { watchdog, log } = this.#parts;
    if (watchdog === undefined) return;
    try {
      const timeoutMs = await watchdog.arm();
      this.#state = { name: "armed", timeoutMs, leaseEndsMs };
      this.#hasProblem = false;
      log.info({ timeoutMs }, "watchdog armed");
    } catch (error) {
      if (!this.#hasProblem) log.error({ err: error }, "the watchdog cannot be armed");
      this.#hasProblem = true;
    }
  }

  async #act(
    state: Extract<GuardState, { name: "armed" }>,
    active: readonly VmId[] | undefined,
  ): Promise<void> {
    const { watchdog, hypervisor, log } = this.#parts;
    // Looked at again: the answer took time, and a lease may have come meanwhile.
    const { feed, stop } = decideGuard({ ...this.#facts(this.#armed(state)), active });
    if (feed) return watchdog?.feed();
    if (stop.length === 0) return log.error({}, "no lease, and libvirt does not say what runs");
    log.error(
      { vms: stop },
      "no lease: guarded VMs are stopped, for they may be started elsewhere",
    );
    const stopped = stop.map((vmId) => hypervisor.control.power(vmId, "destroy"));
    const outcomes = await this.#limited(Promise.allSettled(stopped));
    for (const outcome of outcomes ?? []) {
      if (outcome.status === "rejected")
        log.error({ err: outcome.reason as unknown }, "a VM was not stopped");
    }
  }

  #armed(state: Extract<GuardState, { name: "armed" }>): Extract<GuardState, { name: "armed" }> {
    return this.#state.name === "armed" ? this.#state : state;
  }

  /** Undefined: libvirt did not say in time. */
  async #activeGuarded(): Promise<readonly VmId[] | undefined> {
    const guarded = new Set(
      this.#parts.assigned()?.vms.flatMap((vm) => (vm.guarded === true ? [vm.id] : [])),
    );
    if (guarded.size === 0) return [];
    const listed = this.#parts.hypervisor.watch.list().catch((error: unknown) => {
      this.#parts.log.warn({ err: error }, "libvirt does not say what runs");
      return undefined;
    });
    const seen = await this.#limited(listed);
    return seen?.filter((vm) => guarded.has(vm.id) && isActive(vm.state)).map((vm) => vm.id);
  }

  async #limited<Value>(work: Promise<Value>): Promise<Value | undefined> {
    const done = new AbortController();
    const limit = this.#parts.clock.sleep(LIBVIRT_LIMIT_MS, done.signal).then(
      () => undefined,
      () => undefined,
    );
    const first = await Promise.race([work, limit]);
    done.abort();
    return first;
  }

  #keep(state: Extract<GuardState, { name: "armed" }>): void {
    this.#state = state;
    this.#save(state.leaseEndsMs, true);
  }

  /** When this is lost, the next agent believes in an earlier end: safe. */
  #save(endsMs: number, armed: boolean): void {
    const { leases, bootClock, log } = this.#parts;
    leases.save({ bootId: bootClock.bootId, endsMs, armed }).catch((error: unknown) => {
      log.warn({ err: error }, "the lease could not be kept for the next agent");
    });
  }
}
