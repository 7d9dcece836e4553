/** What is only known of operations while they run: what they do now, how far they are, and since when nothing moved. */
import type { MigrationStats, OperationId } from "@muster/model";
import type { Clock } from "@muster/runtime";

/**
 * Longer than any step is silent while all is well: a command is given up after two minutes, a host that is away and
 * the outcome of a move are waited for ten.
 */
export const STUCK_AFTER_MS = 15 * 60_000;

export interface LiveProgress {
  readonly phase?: string;
  readonly migration?: MigrationStats;
}

interface Live extends LiveProgress {
  readonly movedAtMs: number;
}

export class LiveOperations {
  readonly #clock: Clock;
  readonly #live = new Map<OperationId, Live>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(id: OperationId): LiveProgress | undefined {
    return this.#live.get(id);
  }

  /** The same words and the same numbers once more are no progress. */
  report(id: OperationId, now: LiveProgress): void {
    const before = this.#live.get(id);
    const hasMoved =
      (now.phase !== undefined && now.phase !== before?.phase) ||
      (now.migration !== undefined &&
        now.migration.processedBytes !== before?.migration?.processedBytes);
    const movedAtMs = hasMoved || before === undefined ? this.#clock.now() : before.movedAtMs;
    this.#live.set(id, { ...before, ...now, movedAtMs });
  }

  /** A step began or ended. */
  moved(id: OperationId): void {
    this.#live.set(id, { ...this.#live.get(id), movedAtMs: this.#clock.now() });
  }

  forget(id: OperationId): void {
    this.#live.delete(id);
  }

  /** Milliseconds since anything moved; 0: it is not under way. */
  stillMs(id: OperationId): number {
    const live = this.#live.get(id);
    return live === undefined ? 0 : this.#clock.now() - live.movedAtMs;
  }
}
