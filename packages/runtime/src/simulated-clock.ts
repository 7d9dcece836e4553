/**
 * Time that passes only when told to. `runFor` fires timers in order of their time, then of their creation, and
 * lets everything that became runnable finish before the next one: the same program gives the same history.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "./clock.ts";

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Simulated wall clocks start here, so that records in golden logs do not depend on the day. */
const WALL_START = Date.UTC(2026, 0, 1);

export class SimulatedClock implements Clock {
  #nowMs = 0;
  #created = 0;
  #timers: Timer[] = [];

  now(): number {
    return this.#nowMs;
  }

  wall(): Date {
    return new Date(WALL_START + this.#nowMs);
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const timer: Timer = {
        atMs: this.#nowMs + Math.max(0, durationMs),
        order: (this.#created += 1),
        fire: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        this.#timers = this.#timers.filter((other) => other !== timer);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#timers.push(timer);
    });
  }

  /** Lets everything that is runnable now run until it waits for time again. */
  async settle(): Promise<void> {
    // One turn of the event loop empties the queue of promises; a second one covers what that started.
    await nextTurn();
    await nextTurn();
  }

  async runFor(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await this.settle();
    for (;;) {
      const next = this.#nextBefore(endMs);
      if (next === undefined) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.#nowMs = next.atMs;
      next.fire();
      await this.settle();
    }
    this.#nowMs = endMs;
  }

  /** True when the predicate became true within the time. */
  async runUntil(predicate: () => boolean, timeoutMs: number): Promise<boolean> {
    const endMs = this.#nowMs + timeoutMs;
    await this.settle();
    while (!predicate()) {
      const next = this.#nextBefore(endMs);
      if (next === undefined) return false;
      await this.runFor(next.atMs - this.#nowMs);
    }
    return true;
  }

  #nextBefore(endMs: number): Timer | undefined {
    let best: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs > endMs) continue;
      if (best === undefined || timer.atMs < best.atMs) best = timer;
      else if (timer.atMs === best.atMs && timer.order < best.order) best = timer;
    }
    return best;
  }
}
