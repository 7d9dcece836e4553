/** The clock of one simulated process: it runs a little fast or slow, its wall clock is wrong and jumps. */
import type { Clock } from "@muster/runtime";

export class ProcessClock implements Clock {
  readonly #clock: Clock;
  readonly #rate: number;
  #wallOffsetMs = 0;

  /** @param rate milliseconds it counts in one true millisecond. */
  constructor(clock: Clock, rate = 1) {
    this.#clock = clock;
    this.#rate = rate;
  }

  now(): number {
    return this.#clock.now() * this.#rate;
  }

  wall(): Date {
    return new Date(this.#clock.wall().getTime() + this.#wallOffsetMs);
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(durationMs / this.#rate, signal);
  }

  /** As when somebody sets the time, or a time server is found at last. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }
}
