/**
 * Follows one migration away from this host by what libvirt says of its job: progress a few times a second, and the
 * abort when somebody asks for it. Which of the ends it came to is decided by the caller, from the domain itself.
 */
import type { VmId } from "@muster/model";
import type { MigrationStats } from "@muster/model";
import type { Clock } from "@muster/runtime";
import { isLibvirtError, type Domain, type TypedParameters } from "node-libvirt";
import type { HypervisorLog, MigrationWatcher } from "../hypervisor.ts";
import type { LibvirtLink } from "./libvirt-link.ts";
import { isMigrationOut, migrationPhaseFrom, migrationStatsFrom } from "./vm-state.ts";

/** People see three updates a second as movement; each is one cheap call. */
const POLL_MS = 330;
/** A question about the job that takes longer is asked again. */
const POLL_TIMEOUT_MS = 5_000;

const noStats: MigrationStats = migrationStatsFrom({});

export class LibvirtMigrationJob {
  readonly #domain: Domain;
  readonly #clock: Clock;
  readonly #log: HypervisorLog;
  readonly #watcher: MigrationWatcher;
  readonly #stopListening: () => void;
  #stats: MigrationStats = noStats;
  #seen = false;
  #downtimeLimitMs: number;

  constructor(parts: {
    readonly vmId: VmId;
    readonly domain: Domain;
    readonly link: LibvirtLink;
    readonly clock: Clock;
    readonly log: HypervisorLog;
    readonly watcher: MigrationWatcher;
    /** 0: QEMU's default. */
    readonly downtimeLimitMs: number;
  }) {
    this.#domain = parts.domain;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#watcher = parts.watcher;
    this.#downtimeLimitMs = parts.downtimeLimitMs;
    this.#stopListening = parts.link.listen({
      onGap: () => undefined,
      onEvent: (event) => {
        if (event.domain.uuid !== parts.vmId) return;
        if (event.kind === "jobCompleted") this.#report(event.parameters, "finishing");
        if (event.kind === "migrationIteration") {
          this.#stats = { ...this.#stats, iteration: event.iteration };
          parts.watcher.onProgress("copying memory", this.#stats);
        }
      },
    });
  }

  get stats(): MigrationStats {
    return this.#stats;
  }

  /** Polls until the signal aborts, or until the job that was seen is over. */
  async follow(ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      const job = await this.#ask();
      if (job === "none" && this.#seen) return;
      if (this.#watcher.signal.aborted) await this.#abortJob();
      await this.#clock.sleep(POLL_MS, ended).catch((error: unknown) => {
        if (!ended.aborted) throw error;
      });
    }
  }

  [Symbol.dispose](): void {
    this.#stopListening();
  }

  /** "unknown": libvirt did not say, ask again. */
  async #ask(): Promise<"none" | "going on" | "unknown"> {
    try {
      const { type, stats } = await this.#domain.getJobStats({ timeoutMs: POLL_TIMEOUT_MS });
      if (type === "none" || !isMigrationOut(stats)) return "none";
      this.#seen = true;
      this.#report(stats, migrationPhaseFrom(stats));
      await this.#limitDowntime();
      return "going on";
    } catch (error) {
      if (isLibvirtError(error, "noDomain", "operationInvalid")) return "none";
      this.#log.info({ vmId: this.#domain.uuid, err: error }, "migration progress is not known");
      return "unknown";
    }
  }

  /** Only a running migration takes the limit; one that just ended does not need it. */
  async #limitDowntime(): Promise<void> {
    if (this.#downtimeLimitMs === 0) return;
    const limitMs = BigInt(this.#downtimeLimitMs);
    this.#downtimeLimitMs = 0;
    try {
      await this.#domain.migrateSetMaxDowntime(limitMs);
    } catch (error) {
      this.#log.warn({ vmId: this.#domain.uuid, err: error }, "downtime limit was not set");
    }
  }

  /** Asked again at every poll: a job that has not begun yet cannot be aborted. */
  async #abortJob(): Promise<void> {
    try {
      await this.#domain.abortJob();
    } catch (error) {
      if (isLibvirtError(error, "operationInvalid", "noDomain")) return;
      this.#log.warn({ vmId: this.#domain.uuid, err: error }, "migration was not aborted");
    }
  }

  #report(parameters: TypedParameters, phase: string): void {
    const stats = migrationStatsFrom(parameters);
    // The last statistics of a job that failed are empty.
    if (stats.totalBytes > 0n) this.#stats = stats;
    this.#watcher.onProgress(phase, this.#stats);
  }
}
