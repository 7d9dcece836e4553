/**
 * One live migration between two simulated hosts: pre-copy in passes, each sending what the guest dirtied during the
 * one before; then a short stop, in which the guest changes hosts in a single step. It belongs to the source's
 * libvirtd, not to the agent that asked for it (peer-to-peer), so it goes on when that agent dies. What ends it, and
 * how soon, follows measurements of libvirt 9 and QEMU 10.
 */
import { assert, MIB, MusterError, type MigrateAction, type MigrationStats } from "@muster/model";
import type { Clock } from "@muster/runtime";
import type { GuestBehaviour } from "./guest.ts";
import { newDomain, type LiveDomain, type SimulatedDomain } from "./simulated-domain.ts";
import type { SimulatedHost } from "./simulated-host.ts";

/** How often progress is seen, and how late an interruption is noticed. */
const TICK_MS = 250;
/** A peer that does not answer keepalives is given up after this (5 s × 3). */
const KEEPALIVE_MS = 15_000;
/** Before dialling, reachability is checked with this limit. */
const CONNECT_LIMIT_MS = 3_000;
const PREPARE_MS = 200;
const FINISH_MS = 50;
const ABORT_MS = 70;
/** Without a limit of its own a migration gets this much, bytes per second. */
const LINK_BYTES_PER_SECOND = 512n * MIB;
/** QEMU's default. */
const DOWNTIME_LIMIT_MS = 300;
/** Auto-converge takes a fifth of the guest's time first, then a tenth more after every pass, up to 99%. */
const THROTTLE_FIRST = 20;
const THROTTLE_STEP = 10;

export type MigrationPhase =
  "connecting" | "preparing" | "copying disks" | "copying memory" | "switching over" | "finishing";

/** What a job needs of the world around it. */
export interface MigrationGround {
  readonly clock: Clock;
  /** Aborts when the world ends. */
  readonly closed: AbortSignal;
  isLinkUp(from: SimulatedHost, to: SimulatedHost): boolean;
  guestBehaviour(live: LiveDomain): GuestBehaviour;
  /** Why the target cannot take it; undefined: it can. */
  refusal(job: MigrationJob): MusterError | undefined;
  /** Gives the target volumes with the same contents. */
  copyVolumes(job: MigrationJob): void;
  /** The disks changed owner. */
  checkOwnership(live: LiveDomain, host: SimulatedHost): void;
}

export interface ProgressListener {
  readonly onProgress: (phase: string, stats: MigrationStats) => void;
}

const noStats: MigrationStats = {
  processedBytes: 0n,
  remainingBytes: 0n,
  totalBytes: 0n,
  bytesPerSecond: 0n,
  iteration: 0,
  dirtyBytesPerSecond: 0n,
  downtimeMs: 0,
  elapsedMs: 0,
};

export class MigrationJob {
  readonly domain: SimulatedDomain;
  readonly live: LiveDomain;
  readonly source: SimulatedHost;
  readonly target: SimulatedHost;
  readonly action: MigrateAction;
  readonly #ground: MigrationGround;
  readonly #startedAtMs: number;
  readonly #sourceLife: AbortSignal;
  readonly #targetLife: AbortSignal;
  readonly #listeners = new Set<ProgressListener>();
  #phase: MigrationPhase = "connecting";
  #stats: MigrationStats = noStats;
  #stalledMs = 0;
  #cancelled = false;
  #arriving: LiveDomain | undefined;
  #left = false;
  #outcome: Promise<MigrationStats> | undefined;

  constructor(parts: {
    readonly domain: SimulatedDomain;
    readonly live: LiveDomain;
    readonly source: SimulatedHost;
    readonly target: SimulatedHost;
    readonly action: MigrateAction;
    readonly ground: MigrationGround;
  }) {
    this.domain = parts.domain;
    this.live = parts.live;
    this.source = parts.source;
    this.target = parts.target;
    this.action = parts.action;
    this.#ground = parts.ground;
    this.#startedAtMs = parts.ground.clock.now();
    this.#sourceLife = parts.source.life;
    this.#targetLife = parts.target.life;
  }

  get phase(): MigrationPhase {
    return this.#phase;
  }

  get stats(): MigrationStats {
    return { ...this.#stats, elapsedMs: Math.round(this.#ground.clock.now() - this.#startedAtMs) };
  }

  /** Gives a function that stops listening. */
  listen(listener: ProgressListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Too late once the guest has left. */
  cancel(): void {
    this.#cancelled = true;
  }

  /** Called once, by the world. */
  start(): void {
    assert(this.#outcome === undefined, "a migration is started once");
    this.#outcome = this.#run();
    const ended = (): void => {
      this.#listeners.clear();
    };
    // The agent that asked may be dead by then: a failure nobody hears of is no failure of this program.
    this.#outcome.then(ended, ended);
  }

  /** How it ended. */
  get outcome(): Promise<MigrationStats> {
    assert(this.#outcome !== undefined, "the migration was started");
    return this.#outcome;
  }

  async #run(): Promise<MigrationStats> {
    try {
      await this.#connect();
      await this.#prepare();
      await this.#copyDisks();
      await this.#copyMemory();
      await this.#switchOver();
    } catch (error) {
      if (!this.#left) await this.#rollBack(error);
      throw error;
    }
    return this.stats;
  }

  async #connect(): Promise<void> {
    this.#enter("connecting");
    const reachable = this.target.isPowered && this.#ground.isLinkUp(this.source, this.target);
    if (!reachable) {
      await this.#sleep(CONNECT_LIMIT_MS);
      throw unreachable(this, "connection timed out");
    }
    await this.#sleep(5);
    if (!this.target.isLibvirtdUp) throw unreachable(this, "Connection refused");
  }

  async #prepare(): Promise<void> {
    this.#enter("preparing");
    await this.#spend(PREPARE_MS);
    const refusal = this.#ground.refusal(this);
    if (refusal !== undefined) throw refusal;
    if (this.action.copyStorage) this.#ground.copyVolumes(this);
    const arriving: LiveDomain = {
      config: this.live.config,
      guest: this.live.guest,
      state: "paused",
      incoming: true,
      startedAtMs: this.#ground.clock.now(),
      job: undefined,
      shutdownPending: false,
      console: undefined,
    };
    const domain = this.target.domains.get(this.domain.vmId) ?? newDomain(this.domain.vmId);
    domain.live = arriving;
    domain.reason = "migration";
    this.target.domains.set(domain.vmId, domain);
    this.#arriving = arriving;
    this.target.changed(domain.vmId);
  }

  async #copyDisks(): Promise<void> {
    if (!this.action.copyStorage) return;
    this.#enter("copying disks");
    // Sparse volumes: about a sixteenth of the virtual size is written.
    const bytes = this.live.config.spec.disks.reduce((sum, disk) => sum + disk.sizeBytes / 16n, 0n);
    this.#stats = { ...this.#stats, totalBytes: bytes, remainingBytes: bytes };
    await this.#send(bytes);
  }

  async #copyMemory(): Promise<void> {
    this.#enter("copying memory");
    const memory = this.live.config.spec.memoryBytes;
    const limitMs = this.#downtimeLimitMs;
    this.#stats = { ...this.#stats, totalBytes: this.#stats.totalBytes + memory };
    let remaining = memory;
    let throttle = 0;
    for (let iteration = 1; ; iteration += 1) {
      const behaviour = this.#ground.guestBehaviour(this.live);
      const running = this.live.state === "running" ? behaviour.dirtyBytesPerSecond : 0n;
      const dirtyBytesPerSecond = (running * BigInt(100 - throttle)) / 100n;
      this.#stats = { ...this.#stats, iteration, dirtyBytesPerSecond, remainingBytes: remaining };
      const tookMs = await this.#send(remaining);
      const dirtied = (dirtyBytesPerSecond * BigInt(Math.round(tookMs))) / 1000n;
      remaining = dirtied < memory ? dirtied : memory;
      if (this.#timeFor(remaining) <= limitMs) break;
      if (this.action.autoConverge && iteration > 2) {
        throttle = throttle === 0 ? THROTTLE_FIRST : Math.min(99, throttle + THROTTLE_STEP);
      }
    }
    this.#stats = { ...this.#stats, remainingBytes: remaining };
  }

  async #switchOver(): Promise<void> {
    this.#enter("switching over");
    const downtimeMs = 20 + Math.ceil(this.#timeFor(this.#stats.remainingBytes));
    this.live.guest.pause();
    await this.#spend(downtimeMs);
    this.#stats = {
      ...this.#stats,
      downtimeMs,
      processedBytes: this.#stats.processedBytes + this.#stats.remainingBytes,
      remainingBytes: 0n,
    };
    this.#handOver();
    this.#enter("finishing");
    await this.#ground.clock.sleep(FINISH_MS, this.#sourceLife);
    // Asked for with undefine-source: nothing of it is to stay behind.
    this.domain.config = undefined;
    this.source.domains.delete(this.domain.vmId);
    this.source.changed(this.domain.vmId);
  }

  /** No await in here: there is no moment at which the guest is on both hosts, or on none. */
  #handOver(): void {
    const arriving = this.#arriving;
    const arrived = this.target.domains.get(this.domain.vmId);
    assert(arriving !== undefined && arrived?.live === arriving, "the target is still waiting");
    this.#left = true;
    this.domain.live = undefined;
    this.domain.reason = "migrated";
    arriving.incoming = false;
    arriving.config = this.live.config;
    arriving.state = this.live.state;
    arriving.shutdownPending = this.live.shutdownPending;
    arrived.config = this.live.config;
    arrived.reason = "migrated";
    if (arriving.state === "running") arriving.guest.run();
    this.#ground.checkOwnership(arriving, this.target);
    this.source.changed(this.domain.vmId);
    this.target.changed(this.domain.vmId);
  }

  async #rollBack(error: unknown): Promise<void> {
    this.#discardArriving();
    if (error instanceof MusterError && error.code === "cancelled") {
      await this.#ground.clock.sleep(ABORT_MS, this.#ground.closed);
    }
    this.live.job = undefined;
    if (this.domain.live !== this.live) return;
    if (this.live.state === "running") {
      this.live.guest.run();
      if (this.#phase !== "connecting") this.domain.reason = "migrationCanceled";
    }
    this.source.changed(this.domain.vmId);
  }

  #discardArriving(): void {
    const domain = this.target.domains.get(this.domain.vmId);
    if (this.#arriving === undefined || domain?.live !== this.#arriving) return;
    domain.live = undefined;
    domain.reason = "failed";
    if (domain.config === undefined) this.target.domains.delete(domain.vmId);
    this.target.changed(domain.vmId);
  }

  get #downtimeLimitMs(): number {
    return this.action.downtimeLimitMs > 0 ? this.action.downtimeLimitMs : DOWNTIME_LIMIT_MS;
  }

  get #bytesPerSecond(): bigint {
    const limit = BigInt(this.action.bandwidthMibPerSecond) * MIB;
    return limit > 0n && limit < LINK_BYTES_PER_SECOND ? limit : LINK_BYTES_PER_SECOND;
  }

  #timeFor(bytes: bigint): number {
    return Number((bytes * 1000n) / this.#bytesPerSecond);
  }

  /** Milliseconds it took, stalls included. */
  async #send(bytes: bigint): Promise<number> {
    const beganMs = this.#ground.clock.now();
    let left = bytes;
    while (left > 0n) {
      const tickMs = Math.min(TICK_MS, Math.max(1, Math.ceil(this.#timeFor(left))));
      if (!(await this.#tick(tickMs))) continue;
      const possible = (this.#bytesPerSecond * BigInt(tickMs)) / 1000n;
      const sent = possible < left ? possible : left;
      left -= sent;
      const processedBytes = this.#stats.processedBytes + sent;
      this.#report({ processedBytes, remainingBytes: left, bytesPerSecond: this.#bytesPerSecond });
    }
    return this.#ground.clock.now() - beganMs;
  }

  async #spend(durationMs: number): Promise<void> {
    let leftMs = durationMs;
    while (leftMs > 0) {
      const tickMs = Math.min(TICK_MS, leftMs);
      if (await this.#tick(tickMs)) leftMs -= tickMs;
    }
  }

  /** False: nothing moved meanwhile. Throws when the migration cannot go on. */
  async #tick(durationMs: number): Promise<boolean> {
    await this.#sleep(durationMs);
    if (this.#isStalled()) {
      this.#stalledMs += durationMs;
      if (this.#stalledMs >= KEEPALIVE_MS)
        throw failed(this, "Lost connection to destination host");
      return false;
    }
    this.#stalledMs = 0;
    return true;
  }

  async #sleep(durationMs: number): Promise<void> {
    await this.#ground.clock.sleep(durationMs, this.#ground.closed);
    if (this.#sourceLife.aborted) throw this.#sourceLife.reason;
    if (this.domain.live !== this.live) throw failed(this, "domain is not running");
    if (this.#cancelled) {
      const message = `the migration of vm ${this.domain.vmId} was cancelled`;
      throw new MusterError("cancelled", message);
    }
    if (this.#targetLife.aborted && this.target.isPowered) {
      throw failed(this, "Lost connection to destination host");
    }
    const arriving = this.#arriving;
    if (
      arriving !== undefined &&
      this.target.isPowered &&
      this.target.domains.get(this.domain.vmId)?.live !== arriving
    ) {
      throw failed(this, "qemu unexpectedly closed the monitor");
    }
  }

  #isStalled(): boolean {
    if (!this.target.isPowered || this.target.isFrozen || this.source.isFrozen) return true;
    return !this.#ground.isLinkUp(this.source, this.target);
  }

  #enter(phase: MigrationPhase): void {
    this.#phase = phase;
    this.#report({});
  }

  #report(change: Partial<MigrationStats>): void {
    this.#stats = { ...this.#stats, ...change };
    for (const listener of [...this.#listeners]) listener.onProgress(this.#phase, this.stats);
  }
}

function failed(job: MigrationJob, why: string): MusterError {
  const message = `failed to migrate vm ${job.domain.vmId} to ${job.target.name}`;
  return new MusterError("hypervisor-failed", message, { cause: new Error(why) });
}

function unreachable(job: MigrationJob, why: string): MusterError {
  const message = `cannot reach libvirt at ${job.action.targetUri} from ${job.source.name}`;
  return new MusterError("unreachable", message, { cause: new Error(why) });
}
