/**
 * A leadership that lasts as long as its lease is renewed. The leader counts from the moment it asked, the store from
 * the moment it answered, so the leader stops first, whatever the network does.
 */
import { MusterError } from "@muster/model";
import type { Clock } from "@muster/runtime";
import type { Leadership } from "./election.ts";

export interface LeaseParts {
  readonly term: number;
  readonly clock: Clock;
  readonly leaseMs: number;
  /** When the lease was asked for. */
  readonly askedAtMs: number;
  /** False: the lease is gone. Rejects when nobody answered. */
  readonly renew: (signal: AbortSignal) => Promise<boolean>;
  /** Lets another lead. Rejects when nobody answered; then the lease ends by itself. */
  readonly release: () => Promise<void>;
  /** Aborts when the store closes. */
  readonly closed: AbortSignal;
}

/** Two renewals may be lost before the lease is. */
const RENEWALS_PER_LEASE = 3;

export function keepLease(parts: LeaseParts): Leadership {
  const lease = new Lease(parts);
  lease.start();
  return lease;
}

class Lease implements Leadership {
  readonly term: number;
  readonly #parts: LeaseParts;
  readonly #ended = new AbortController();
  #endsAtMs: number;

  constructor(parts: LeaseParts) {
    this.term = parts.term;
    this.#parts = parts;
    this.#endsAtMs = parts.askedAtMs + parts.leaseMs;
  }

  get lost(): AbortSignal {
    return this.#ended.signal;
  }

  isCurrent(): boolean {
    return !this.lost.aborted && this.#parts.clock.now() < this.#endsAtMs;
  }

  start(): void {
    const { closed } = this.#parts;
    const stop = (): void => {
      this.#end(closed.reason as Error);
    };
    if (closed.aborted) stop();
    closed.addEventListener("abort", stop, { once: true, signal: this.lost });
    void this.#renew();
    void this.#watchEnd();
  }

  async resign(reason: Error): Promise<void> {
    this.#end(reason);
    // Nobody answered: another leads when the lease has ended by itself.
    await this.#parts.release().catch(unanswered);
  }

  async #renew(): Promise<void> {
    const { clock, leaseMs, renew } = this.#parts;
    while (!this.lost.aborted) {
      const sentAtMs = clock.now();
      const renewed = await renew(this.lost).catch(unanswered);
      if (renewed === true) this.#endsAtMs = sentAtMs + leaseMs;
      if (renewed === false) {
        this.#end(new MusterError("not-leader", `term ${String(this.term)} is over`));
      }
      await clock.sleep(leaseMs / RENEWALS_PER_LEASE, this.lost).catch(unanswered);
    }
  }

  async #watchEnd(): Promise<void> {
    const { clock } = this.#parts;
    while (!this.lost.aborted) {
      await clock.sleep(this.#endsAtMs - clock.now(), this.lost).catch(unanswered);
      if (clock.now() < this.#endsAtMs) continue;
      const message = `the lease of term ${String(this.term)} could not be renewed in time`;
      this.#end(new MusterError("not-leader", message));
    }
  }

  #end(reason: Error): void {
    if (!this.lost.aborted) this.#ended.abort(reason);
  }
}

function unanswered(): undefined {
  return undefined;
}
