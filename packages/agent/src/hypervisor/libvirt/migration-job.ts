/**
 * Follows one migration away from this host by what libvirt says of its job: progress a few times a second, and the
 * abort when somebody asks for it. Which of the ends it came to is decided by the caller, from the domain itself.
 */
import type { MigrationStats, VmId } from "@muster/model";
import type { Clock } from "@muster/runtime";
import { isLibvirtError, type Domain, type TypedParameters } from "node-libvirt";
import type { HypervisorLog, MigrationWatcher } from "../hypervisor.ts";
import { findDomain } from "./domain-handle.ts";
import { failedTo } from "./libvirt-error.ts";
import type { Connection, LibvirtLink } from "./libvirt-link.ts";
import { isMigrationOut, migrationPhaseFrom, migrationStatsFrom } from "./vm-state.ts";

/** People see three updates a second as movement; each is one cheap call. */
const POLL_MS = 330;
/** A question about the job that takes longer is asked again. */
const POLL_TIMEOUT_MS = 5_000;

/** A libvirtd that restarts gives up its migrations when it is back; longer than this and it is not coming back. */
export const RESTART_WAIT_MS = 60_000;

const noStats: MigrationStats = migrationStatsFrom({});

export class LibvirtMigrationJob {
  readonly #vmId: VmId;
  readonly #link: LibvirtLink;
  readonly #clock: Clock;
  readonly #log: HypervisorLog;
  readonly #watcher: MigrationWatcher;
  readonly #stopListening: () => void;
  #handle: { readonly connection: Connection; readonly domain: Domain } | undefined;
  #stats: MigrationStats = noStats;
  #seen: boolean;
  #knownAtMs: number;
  #downtimeLimitMs: number;

  constructor(parts: {
    readonly vmId: VmId;
    readonly link: LibvirtLink;
    readonly clock: Clock;
    readonly log: HypervisorLog;
    readonly watcher: MigrationWatcher;
    /** 0: QEMU's default. */
    readonly downtimeLimitMs: number;
    /** True: the job was there before; when there is none, it is over. */
    readonly began: boolean;
  }) {
    this.#vmId = parts.vmId;
    this.#link = parts.link;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#watcher = parts.watcher;
    this.#downtimeLimitMs = parts.downtimeLimitMs;
    this.#seen = parts.began;
    this.#knownAtMs = parts.clock.now();
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

  /**
   * Polls until the signal aborts, or until the job that was seen is over. Rejects when libvirt has not answered
   * for so long that it is not coming back.
   */
  async follow(ended: AbortSignal): Promise<void> {
    this.#knownAtMs = this.#clock.now();
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
      const domain = await this.#domain();
      const job = await domain?.getJobStats({ timeoutMs: POLL_TIMEOUT_MS });
      this.#knownAtMs = this.#clock.now();
      if (domain === undefined || job === undefined) return "none";
      if (job.type === "none" || !isMigrationOut(job.stats)) return "none";
      this.#seen = true;
      this.#report(job.stats, migrationPhaseFrom(job.stats));
      await this.#limitDowntime(domain);
      return "going on";
    } catch (error) {
      if (isLibvirtError(error, "noDomain", "operationInvalid")) return "none";
      const unknownMs = this.#clock.now() - this.#knownAtMs;
      if (unknownMs > RESTART_WAIT_MS) {
        throw failedTo(`follow the migration of vm ${this.#vmId}`, error);
      }
      this.#log.info({ vmId: this.#vmId, err: error }, "migration progress is not known");
      return "unknown";
    }
  }

  /** A handle belongs to its connection: after a restart of libvirtd it is looked up again. */
  async #domain(): Promise<Domain | undefined> {
    const connection = await this.#link.connection();
    if (this.#handle?.connection === connection) return this.#handle.domain;
    const domain = await findDomain(connection, this.#vmId);
    this.#handle = domain === undefined ? undefined : { connection, domain };
    return domain;
  }

  /** Only a running migration takes the limit; one that just ended does not need it. */
  async #limitDowntime(domain: Domain): Promise<void> {
    if (this.#downtimeLimitMs === 0) return;
    const limitMs = BigInt(this.#downtimeLimitMs);
    this.#downtimeLimitMs = 0;
    try {
      await domain.migrateSetMaxDowntime(limitMs);
    } catch (error) {
      this.#log.warn({ vmId: this.#vmId, err: error }, "downtime limit was not set");
    }
  }

  /** Asked again at every poll: a job that has not begun yet cannot be aborted. */
  async #abortJob(): Promise<void> {
    try {
      const domain = await this.#domain();
      await domain?.abortJob();
    } catch (error) {
      if (isLibvirtError(error, "operationInvalid", "noDomain")) return;
      this.#log.warn({ vmId: this.#vmId, err: error }, "migration was not aborted");
    }
  }

  #report(parameters: TypedParameters, phase: string): void {
    const stats = migrationStatsFrom(parameters);
    // The last statistics of a job that failed are empty.
    if (stats.totalBytes > 0n) this.#stats = stats;
    this.#watcher.onProgress(phase, this.#stats);
  }
}
