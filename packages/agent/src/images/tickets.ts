/** What other hosts may read here, and until when. In memory: after a restart the coordinator gives out new ones. */
import { timingSafeEqual } from "node:crypto";
import type { ImageDigest } from "@muster/model";
import type { Clock } from "@muster/runtime";

/** Far more than hosts can fetch at once. */
const TICKETS_MAX = 10_000;

interface Ticket {
  readonly text: Buffer;
  readonly digest: ImageDigest;
  readonly untilMs: number;
}

export class Tickets {
  readonly #clock: Clock;
  #tickets: readonly Ticket[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(text: string, digest: ImageDigest, forMs: number): void {
    const fresh = { text: Buffer.from(text), digest, untilMs: this.#clock.now() + forMs };
    this.#tickets = [...this.#valid(), fresh].slice(-TICKETS_MAX);
  }

  allows(text: string, digest: ImageDigest): boolean {
    const shown = Buffer.from(text);
    return this.#valid().some(
      (ticket) =>
        ticket.digest === digest &&
        ticket.text.length === shown.length &&
        timingSafeEqual(ticket.text, shown),
    );
  }

  isOffered(digest: ImageDigest): boolean {
    return this.#valid().some((ticket) => ticket.digest === digest);
  }

  #valid(): readonly Ticket[] {
    const nowMs = this.#clock.now();
    return this.#tickets.filter(({ untilMs }) => untilMs > nowMs);
  }
}
