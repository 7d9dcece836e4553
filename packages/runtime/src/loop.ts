/**
 * Runs one reconciler: when poked, for promptness, and every period, for certainty. Passes never overlap; a poke
 * during a pass causes one more. The last result is kept for whoever asks.
 */
import { detailOf, type ErrorDetail } from "@muster/model";
import type { Clock } from "./clock.ts";

export interface Reconciler {
  readonly name: string;
  readonly periodMs: number;
  reconcile(signal: AbortSignal): Promise<void>;
}

export interface LoopStatus {
  readonly name: string;
  readonly passes: number;
  readonly failures: number;
  readonly lastDurationMs: number;
  readonly lastError?: ErrorDetail;
}

/** One for all: an abort without a reason makes an exception with a stack each time. */
const ENOUGH_REST = new Error("the loop was woken");

export class Loop {
  readonly #reconciler: Reconciler;
  readonly #clock: Clock;
  readonly #onFailure: (error: unknown) => void;
  readonly #stop = new AbortController();
  #poked = true;
  #wake: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #status: LoopStatus;

  constructor(parts: {
    readonly reconciler: Reconciler;
    readonly clock: Clock;
    readonly onFailure: (error: unknown) => void;
  }) {
    this.#reconciler = parts.reconciler;
    this.#clock = parts.clock;
    this.#onFailure = parts.onFailure;
    this.#status = { name: parts.reconciler.name, passes: 0, failures: 0, lastDurationMs: 0 };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  poke(): void {
    this.#poked = true;
    this.#wake?.();
  }

  status(): LoopStatus {
    return this.#status;
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error(`${this.#reconciler.name} was stopped`));
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    const signal = this.#stop.signal;
    while (!signal.aborted) {
      this.#poked = false;
      await this.#pass(signal);
      if (!signal.aborted && !this.#poked) await this.#rest();
    }
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const beganMs = this.#clock.now();
    let failure: unknown;
    try {
      await this.#reconciler.reconcile(signal);
    } catch (error) {
      failure = error;
    }
    if (signal.aborted) return;
    const { name, passes, failures } = this.#status;
    const lastDurationMs = this.#clock.now() - beganMs;
    this.#status = { name, passes: passes + 1, failures, lastDurationMs };
    if (failure === undefined) return;
    this.#status = { ...this.#status, failures: failures + 1, lastError: detailOf(failure) };
    this.#onFailure(failure);
  }

  async #rest(): Promise<void> {
    const rested = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const slept = this.#clock
      .sleep(this.#reconciler.periodMs, rested.signal)
      .catch((error: unknown) => {
        if (!rested.signal.aborted) throw error;
      });
    await Promise.race([woken, slept]);
    this.#wake = undefined;
    rested.abort(ENOUGH_REST);
    await slept;
  }
}
