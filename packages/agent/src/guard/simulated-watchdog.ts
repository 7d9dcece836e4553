/** A watchdog in simulated time. It belongs to the machine: an agent that dies leaves it running. */
import type { Clock } from "@muster/runtime";
import type { Watchdog } from "./watchdog.ts";

export class SimulatedWatchdog implements Watchdog {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #fire: () => void;
  #fedAtMs: number | undefined;
  #turn = 0;

  /** @param fire resets the machine. */
  constructor(parts: {
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly fire: () => void;
  }) {
    this.#clock = parts.clock;
    this.#timeoutMs = parts.timeoutMs;
    this.#fire = parts.fire;
  }

  get isArmed(): boolean {
    return this.#fedAtMs !== undefined;
  }

  async arm(): Promise<number> {
    const wasArmed = this.isArmed;
    this.feed();
    if (!wasArmed) this.#watch();
    return this.#timeoutMs;
  }

  feed(): void {
    this.#fedAtMs = this.#clock.now();
  }

  disarm(): void {
    this.#fedAtMs = undefined;
    this.#turn += 1;
  }

  abandon(): void {
    // It goes on: that is what it is for.
  }

  #watch(): void {
    this.#turn += 1;
    const turn = this.#turn;
    const look = async (): Promise<void> => {
      for (;;) {
        if (this.#turn !== turn || this.#fedAtMs === undefined) return;
        const leftMs = this.#fedAtMs + this.#timeoutMs - this.#clock.now();
        if (leftMs <= 0) {
          this.disarm();
          return this.#fire();
        }
        await this.#clock.sleep(leftMs);
      }
    };
    void look();
  }
}
