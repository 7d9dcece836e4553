/**
 * The heartbeats of one session and their answers. An answer proves that the coordinator heard the agent at some
 * moment after the heartbeat was sent, so that is the moment to count from.
 */

export interface HeartbeatAnswer {
  /** When the heartbeat was sent, in the clock's monotonic milliseconds. */
  readonly sentAtMs: number;
  readonly roundTripMs: number;
}

export class Heartbeats {
  #count = 0;
  /** By number; only those that may still be answered. */
  readonly #sentAtMs = new Map<number, number>();
  #lastAnswer: HeartbeatAnswer | undefined;

  /** The number to send. */
  sent(nowMs: number): number {
    this.#count += 1;
    this.#sentAtMs.set(this.#count, nowMs);
    return this.#count;
  }

  answered(number: number, nowMs: number): void {
    const sentAtMs = this.#sentAtMs.get(number);
    // Answered before, or never sent.
    if (sentAtMs === undefined) return;
    this.#lastAnswer = { sentAtMs, roundTripMs: nowMs - sentAtMs };
    for (const earlier of this.#sentAtMs.keys()) {
      if (earlier <= number) this.#sentAtMs.delete(earlier);
    }
  }

  get unanswered(): number {
    return this.#sentAtMs.size;
  }

  get lastAnswer(): HeartbeatAnswer | undefined {
    return this.#lastAnswer;
  }
}
