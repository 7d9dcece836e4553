/** The coordinator's store as its disk makes it: a write takes time, and may come to nothing while the disk is full. */
import type { Store } from "@muster/coordinator";
import { MusterError } from "@muster/model";
import type { Clock, Random } from "@muster/runtime";

/** Until the record is durable, and until the writer hears of it: the two sides of a crash. */
const WRITE_MS = 3;
const ANSWER_MS = 1;

export class UnreliableStore implements Store {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #isSlow: boolean;
  #isFull = false;

  constructor(parts: {
    readonly store: Store;
    readonly clock: Clock;
    readonly random: Random;
    /** False: writes take no simulated time, so that whoever waits for one need not let time pass. */
    readonly isSlow: boolean;
  }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#isSlow = parts.isSlow;
  }

  setFull(isFull: boolean): void {
    this.#isFull = isFull;
  }

  snapshot(): ReturnType<Store["snapshot"]> {
    return this.#store.snapshot();
  }

  async transact(transaction: Parameters<Store["transact"]>[0]): Promise<number> {
    if (this.#isSlow) await this.#clock.sleep(this.#random.fraction() * WRITE_MS);
    if (this.#isFull) {
      throw new MusterError("storage-failed", "failed to write the coordinator's state", {
        cause: new Error("database or disk is full"),
      });
    }
    const revision = await this.#store.transact(transaction);
    if (this.#isSlow) await this.#clock.sleep(this.#random.fraction() * ANSWER_MS);
    return revision;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The simulated cluster owns what is underneath: it outlives coordinators.
  }
}
