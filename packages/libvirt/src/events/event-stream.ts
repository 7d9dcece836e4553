import { EventOverflowError } from "../errors.ts";

/**
 * Events of one subscription, for one reader: `for await (const event of events)`.
 *
 * The buffer is bounded. If it fills up, it is dropped and reading rejects with EventOverflowError: the reader must
 * list again and subscribe again, exactly as after a lost connection.
 */
export class EventStream<Event> implements AsyncIterableIterator<Event>, AsyncDisposable {
  readonly #limit: number;
  readonly #onClose: () => Promise<void>;
  #buffer: Event[] = [];
  #ended: { readonly error: Error | null } | undefined;
  #wake: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(limit: number, onClose: () => Promise<void>) {
    this.#limit = limit;
    this.#onClose = onClose;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next event. Rejects with ConnectionLostError or EventOverflowError once nothing before it is left. */
  async next(): Promise<IteratorResult<Event, undefined>> {
    for (;;) {
      const event = this.#buffer.shift();
      if (event !== undefined) return { done: false, value: event };
      if (this.#ended?.error) throw this.#ended.error;
      if (this.#ended) return { done: true, value: undefined };
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Called by `for await` when the loop is left. */
  async return(): Promise<IteratorResult<Event, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** Ends the subscription in the daemon. Reading then ends. */
  close(): Promise<void> {
    this.end(null);
    this.#closing ??= this.#onClose();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** For the hub: hands an event to the reader. */
  push(event: Event): void {
    if (this.#ended) return;
    if (this.#buffer.length >= this.#limit) {
      this.#buffer = [];
      this.end(new EventOverflowError(`${this.#limit} events were not read in time`));
      this.#closing ??= this.#onClose();
      // Nobody waits for this one; close() still tells whoever does.
      this.#closing.catch(heardElsewhere);
    } else {
      this.#buffer.push(event);
      this.#notify();
    }
  }

  /** For the hub: nothing more will come, because of `error` if there is one. */
  end(error: Error | null): void {
    this.#ended ??= { error };
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

function heardElsewhere(): void {
  // Whoever awaits the promise itself gets the error.
}
