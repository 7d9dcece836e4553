/** The host's identity while the agent runs: renewed when due, without touching the session that is open. */
import type { Clock, Log } from "@muster/runtime";
import { replaceCoordinators, type HostIdentity } from "../enrolment/identity.ts";
import { isRenewalDue, renew } from "../enrolment/renew.ts";

/** Addresses kept: several lives of a cluster's coordinators. */
const COORDINATORS_MAX = 16;

const RENEWAL_TIMEOUT_MS = 20_000;

export class IdentityKeeper {
  #current: HostIdentity;
  readonly #dataDirectory: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #listeners: ((identity: HostIdentity) => void)[] = [];

  constructor(parts: {
    readonly identity: HostIdentity;
    readonly dataDirectory: string;
    readonly clock: Clock;
    readonly log: Log;
  }) {
    this.#current = parts.identity;
    this.#dataDirectory = parts.dataDirectory;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  get current(): HostIdentity {
    return this.#current;
  }

  onRenewed(listener: (identity: HostIdentity) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Keeps what the coordinator told about where coordinators are, first; then what was known, because a name in a join
   * string may lead to them too.
   */
  async learnCoordinators(addresses: readonly string[]): Promise<void> {
    const known = this.#current.coordinators;
    const coordinators = [...new Set([...addresses, ...known])].slice(0, COORDINATORS_MAX);
    if (coordinators.join() === known.join()) return;
    this.#current = { ...this.#current, coordinators };
    await replaceCoordinators(this.#dataDirectory, this.#current);
    this.#log.info({ to: coordinators }, "coordinators changed");
  }

  /** Does nothing before it is due. */
  async renewIfDue(): Promise<void> {
    if (!isRenewalDue(this.#current, this.#clock.wall())) return;
    this.#current = await renew({
      identity: this.#current,
      dataDirectory: this.#dataDirectory,
      timeoutMs: RENEWAL_TIMEOUT_MS,
    });
    this.#log.info({ hostId: this.#current.hostId }, "certificate renewed");
    for (const listener of this.#listeners) listener(this.#current);
  }
}
