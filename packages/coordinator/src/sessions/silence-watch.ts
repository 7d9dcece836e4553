/** Notices sessions that have become silent: one timer for all of them, however many they are. */
import type { Clock } from "@muster/runtime";

export interface Watched {
  /** Monotonic milliseconds. */
  readonly heardAtMs: number;
  /** It has been silent for too long. Called again until it leaves. */
  fellSilent(silentMs: number): void;
}

/**
 * Heartbeats that may be missing before a session counts as dead: one slow garbage collection is not a dead host. It is
 * over a little before the third could come, so that a dead host is noticed within three.
 */
const HEARTBEATS_MISSED_MAX = 2.9;

/** Looks within one heartbeat. More cost time for nothing, fewer notice a dead host late. */
const LOOKS_PER_HEARTBEAT = 20;

export class SilenceWatch {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #periodMs: number;
  readonly #watched = new Set<Watched>();
  #resting = new AbortController();

  constructor(clock: Clock, heartbeatIntervalMs: number) {
    this.#clock = clock;
    this.#graceMs = HEARTBEATS_MISSED_MAX * heartbeatIntervalMs;
    this.#periodMs = heartbeatIntervalMs / LOOKS_PER_HEARTBEAT;
  }

  /** Until the function it gives is called. */
  watch(session: Watched): () => void {
    this.#watched.add(session);
    if (this.#watched.size === 1) void this.#run();
    return () => {
      this.#watched.delete(session);
      if (this.#watched.size === 0) this.#resting.abort();
    };
  }

  async #run(): Promise<void> {
    this.#resting = new AbortController();
    const { signal } = this.#resting;
    while (!signal.aborted) {
      try {
        await this.#clock.sleep(this.#periodMs, signal);
      } catch (error) {
        // Nobody is left to be watched.
        if (signal.aborted) return;
        throw error;
      }
      const nowMs = this.#clock.now();
      for (const session of this.#watched) {
        const silentMs = nowMs - session.heardAtMs;
        if (silentMs > this.#graceMs) session.fellSilent(silentMs);
      }
    }
  }
}
