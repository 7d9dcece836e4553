/** The last things that happened, for `muster events`. In memory: operations are what is durable. */
import type { ClusterEvent } from "@muster/model";
import { Mailbox, type Clock } from "@muster/runtime";

/** Kept for people who look later. About 3 MB; an hour of a busy cluster of a hundred hosts. */
const EVENTS_KEPT_MAX = 10_000;

/** A follower this far behind is cut off instead of growing without end. */
const EVENTS_WAITING_MAX = 5_000;

export type NewEvent = Pick<ClusterEvent, "kind" | "subject" | "message"> &
  Partial<Pick<ClusterEvent, "host" | "operationId">>;

export class EventLog {
  readonly #clock: Clock;
  #events: ClusterEvent[] = [];
  #sequence = 0;
  readonly #followers = new Set<Mailbox<ClusterEvent>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(event: NewEvent): void {
    this.#sequence += 1;
    const full: ClusterEvent = {
      host: "",
      operationId: "",
      ...event,
      sequence: this.#sequence,
      at: this.#clock.wall(),
    };
    this.#events.push(full);
    // Cut in large pieces: shifting one by one would copy the array with every event.
    if (this.#events.length > 2 * EVENTS_KEPT_MAX)
      this.#events = this.#events.slice(-EVENTS_KEPT_MAX);
    for (const follower of this.#followers) {
      if (!follower.put(full)) this.#followers.delete(follower);
    }
  }

  recent(count: number): readonly ClusterEvent[] {
    return count === 0 ? [] : this.#events.slice(-count);
  }

  /** The recent ones, then what comes, until the signal aborts. */
  follow(count: number, signal: AbortSignal): AsyncIterable<ClusterEvent> {
    const mailbox = new Mailbox<ClusterEvent>(EVENTS_WAITING_MAX + count);
    for (const event of this.recent(count)) mailbox.put(event);
    this.#followers.add(mailbox);
    const leave = (): void => {
      this.#followers.delete(mailbox);
      mailbox.end();
    };
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    return mailbox;
  }
}
