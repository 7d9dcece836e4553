/**
 * Time that passes only when told to. `runFor` fires timers in order of their time, then of their creation, and
 * lets everything that became runnable finish before the next one: the same program gives the same history.
 */
import { nextTick } from "node:process";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "./clock.ts";
import { TimerQueue, type Timer } from "./timer-queue.ts";

/** Simulated wall clocks start here, so that records in golden logs do not depend on the day. */
const WALL_START = Date.UTC(2026, 0, 1);

/** Timers between two turns of the real event loop, which whoever watches over this process needs now and then. */
const TIMERS_PER_TURN = 4_096;

export class SimulatedClock implements Clock {
  readonly #timers = new TimerQueue();
  /** Called after each timer and all it led to: for whoever checks every step. */
  onStep: (() => void) | undefined;
  #nowMs = 0;
  #fired = 0;

  now(): number {
    return this.#nowMs;
  }

  wall(): Date {
    return new Date(WALL_START + this.#nowMs);
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal === undefined) {
        this.#timers.add(this.#nowMs + Math.max(0, durationMs), resolve);
        return;
      }
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        this.#timers.cancel(timer);
        reject(signal.reason as Error);
      };
      const timer: Timer = this.#timers.add(this.#nowMs + Math.max(0, durationMs), () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      });
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Lets everything that is runnable now run until it waits for time again, real input and output included. */
  async settle(): Promise<void> {
    // One turn of the event loop empties the queue of promises; a second one covers what that started.
    await nextTurn();
    await nextTurn();
  }

  async runFor(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await this.settle();
    while (await this.#fireNext(endMs));
    this.#nowMs = endMs;
  }

  /** True when the predicate became true within the time. */
  async runUntil(predicate: () => boolean, timeoutMs: number): Promise<boolean> {
    const endMs = this.#nowMs + timeoutMs;
    await this.settle();
    while (!predicate()) {
      if (!(await this.#fireNext(endMs))) return false;
    }
    return true;
  }

  /** Fires the next timer and lets its consequences happen; false when there is none until then. */
  async #fireNext(endMs: number): Promise<boolean> {
    const next = this.#timers.takeUntil(endMs);
    if (next === undefined) return false;
    this.#nowMs = next.atMs;
    next.fire();
    this.#fired += 1;
    if (this.#fired % TIMERS_PER_TURN === 0) await nextTurn();
    // A tick comes once no promise is left to run, without the price of a turn of the event loop.
    else await new Promise<void>(nextTick);
    this.onStep?.();
    return true;
  }
}
