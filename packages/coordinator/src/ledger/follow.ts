/**
 * Keeps a standby's copy warm: watches the store from where the copy is, and begins again with a snapshot when
 * something was missed. Says how old the copy may be.
 */
import { detailOf, MusterError } from "@muster/model";
import type { Clock, Log } from "@muster/runtime";
import type { Store } from "../store/store.ts";
import type { Ledger } from "./ledger.ts";

export interface FollowerParts {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often the store is asked what is newest. The age that people see is at least this when all is well. */
const CHECK_PERIOD_MS = 1_000;
/** Between two tries to watch a store that does not answer. */
const RETRY_MS = 500;
/** A change that is stored reaches a watcher in milliseconds. After this long the watch is stuck and is begun again. */
const STUCK_MS = 3_000;

export class Follower {
  readonly #parts: FollowerParts;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();
  #freshAtMs: number;
  #watching = new AbortController();
  #running: Promise<unknown> | undefined;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#freshAtMs = parts.clock.now();
  }

  /** Everything stored longer ago than this is in the copy. */
  get ageMs(): number {
    return this.#parts.clock.now() - this.#freshAtMs;
  }

  start(): void {
    this.#running ??= Promise.all([this.#watch(), this.#measure()]);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new MusterError("interrupted", "the copy is no longer kept warm"));
    await this.#running;
  }

  /**
   * Resolves when the copy holds everything that had been stored when this was called. For a new leader: nobody else
   * can have written since its term began.
   */
  async caughtUp(signal: AbortSignal): Promise<void> {
    const { store, clock, ledger } = this.#parts;
    const beganMs = clock.now();
    const newest = await store.newest();
    while (ledger.applied < newest) {
      signal.throwIfAborted();
      await this.#nextChange(signal);
    }
    this.#freshAtMs = beganMs;
  }

  async #nextChange(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const woken = (): void => {
        signal.removeEventListener("abort", left);
        resolve();
      };
      const left = (): void => {
        this.#waiting.delete(woken);
        reject(signal.reason as Error);
      };
      this.#waiting.add(woken);
      signal.addEventListener("abort", left, { once: true });
    });
  }

  async #watch(): Promise<void> {
    const { store, ledger, clock, log } = this.#parts;
    const signal = this.#stop.signal;
    while (!signal.aborted) {
      this.#watching = new AbortController();
      const either = AbortSignal.any([signal, this.#watching.signal]);
      try {
        for await (const change of store.watch(ledger.applied, either)) {
          if (signal.aborted) return;
          ledger.follow(change);
          this.#wake();
        }
        if (this.#watching.signal.aborted) throw this.#watching.signal.reason;
      } catch (error) {
        if (signal.aborted) return;
        const { code, message, cause } = detailOf(error);
        log.warn({ code, why: message, cause }, "the copy of the store fell behind");
        await clock.sleep(RETRY_MS, signal).catch(unlessAborted(signal));
        await this.#reload();
      }
    }
  }

  async #reload(): Promise<void> {
    const { store, ledger, log } = this.#parts;
    try {
      const snapshot = await store.snapshot();
      if (this.#stop.signal.aborted) return;
      ledger.reload(snapshot);
      this.#wake();
    } catch (error) {
      log.warn({ err: error }, "the store cannot be read");
    }
  }

  #wake(): void {
    const woken = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of woken) wake();
  }

  async #measure(): Promise<void> {
    const { clock } = this.#parts;
    const signal = this.#stop.signal;
    while (!signal.aborted) {
      await this.#check(signal);
      await clock.sleep(CHECK_PERIOD_MS, signal).catch(unlessAborted(signal));
    }
  }

  async #check(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const stuck = clock.sleep(STUCK_MS, either).then(() => {
      over.abort();
      this.#watching.abort(new MusterError("timeout", "changes no longer arrive"));
    });
    stuck.catch(noted);
    // A store that does not answer makes the copy old, and `#watch` says why.
    await this.caughtUp(either).catch(noted);
    over.abort();
  }
}

function noted(): void {
  // The age grows: that is how it shows.
}

const unlessAborted =
  (signal: AbortSignal) =>
  (error: unknown): void => {
    if (!signal.aborted) throw error;
  };
