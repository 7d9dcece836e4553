import { deferred } from "./deferred.ts";
import { connect, type ConnectOptions, type ConnectTarget } from "./connect.ts";
import type { DomainEventKind } from "./events/domain-events.ts";
import { EventOverflowError } from "./errors.ts";
import type { DomainEvent } from "./objects/hypervisor/hypervisor-domains.ts";
import type { Hypervisor } from "./objects/hypervisor/hypervisor.ts";

export type LinkState = "closed" | "connecting" | "open" | "closing";

export interface ReconnectingOptions extends Omit<ConnectOptions, "signal"> {
  /** Registered anew on every connection; none by default. */
  readonly domainEvents?: readonly DomainEventKind[] | "all" | undefined;
  /** Pause before the next attempt, doubled after each failure: 100 ms to 10 s by default. */
  readonly backoff?: { readonly minMs: number; readonly maxMs: number } | undefined;
  /** Items kept for a slow reader; more become one gap. 4096 by default. */
  readonly bufferSize?: number | undefined;
}

/** Connected, events registered: whatever was known before may be stale, so list now. */
export interface Gap {
  readonly kind: "gap";
  readonly hypervisor: Hypervisor;
  /** Why events may have been missed; null on the first connection. */
  readonly reason: Error | null;
}

export interface Lost {
  readonly kind: "lost";
  readonly reason: Error;
}

export type LinkItem = Gap | Lost | DomainEvent;

const DEFAULT_BACKOFF = { minMs: 100, maxMs: 10_000 };
const DEFAULT_BUFFER = 4096;

/** A hypervisor that comes back: it connects again whenever the connection is lost, until it is closed. */
export class ReconnectingHypervisor implements AsyncDisposable {
  readonly #target: ConnectTarget;
  readonly #options: ReconnectingOptions;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #state: LinkState = "connecting";
  #current: Hypervisor | null = null;
  #lastError: Error | null = null;
  #opened = deferred<Hypervisor>();
  #items: LinkItem[] = [];
  #wake: (() => void) | undefined;

  constructor(target: ConnectTarget, options: ReconnectingOptions = {}) {
    this.#target = target;
    this.#options = options;
    this.#running = this.#run();
  }

  /** "connecting" from the start and after each loss, until close(). */
  get state(): LinkState {
    return this.#state;
  }

  /** The open hypervisor; null while there is none. */
  get current(): Hypervisor | null {
    return this.#current;
  }

  /** What the last attempt to connect failed with, or what ended the last connection. */
  get lastError(): Error | null {
    return this.#lastError;
  }

  /** Resolves with the hypervisor once it is open. Rejects with the signal's reason, or when the link is closed. */
  async ready(options: { readonly signal?: AbortSignal } = {}): Promise<Hypervisor> {
    const signal = options.signal
      ? AbortSignal.any([options.signal, this.#stopped.signal])
      : this.#stopped.signal;
    signal.throwIfAborted();
    const given = deferred<never>();
    const onAbort = () => given.reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([this.#opened.promise, given.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Gaps, losses and events in order, for one reader. Ends when the link is closed. */
  async *events(): AsyncGenerator<LinkItem, void, undefined> {
    for (;;) {
      const item = this.#items.shift();
      if (item) yield item;
      else if (this.#state === "closed") return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Closes the connection and stops connecting. */
  async close(): Promise<void> {
    if (this.#state !== "closed") this.#state = "closing";
    this.#stopped.abort(new Error("the link to libvirt was closed"));
    await this.#current?.close();
    await this.#running;
    this.#state = "closed";
    this.#notify();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const { minMs, maxMs } = this.#options.backoff ?? DEFAULT_BACKOFF;
    let pauseMs = minMs;
    while (!signal.aborted) {
      const reason = await this.#connectOnce(() => (pauseMs = minMs));
      if (signal.aborted) return;
      this.#lastError = reason;
      await pause(pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, maxMs);
    }
  }

  /** One connection from its opening to its end. Resolves with why it ended or could not be opened. */
  async #connectOnce(onOpen: () => void): Promise<Error> {
    const options = { ...this.#options, signal: this.#stopped.signal };
    let reason: Error;
    let hypervisor: Hypervisor | undefined;
    try {
      hypervisor = await connect(this.#target, options);
      const events = await hypervisor.domainEvents(this.#options.domainEvents ?? []);
      onOpen();
      this.#open(hypervisor);
      for await (const event of events) this.#push(event);
      reason = await hypervisor.closed;
    } catch (error) {
      reason = error as Error;
    }
    await hypervisor?.close();
    if (this.#current) this.#lose(reason);
    return reason;
  }

  #open(hypervisor: Hypervisor): void {
    this.#current = hypervisor;
    this.#state = "open";
    this.#opened.resolve(hypervisor);
    this.#push({ kind: "gap", hypervisor, reason: this.#lastError });
  }

  #lose(reason: Error): void {
    this.#current = null;
    this.#opened = deferred<Hypervisor>();
    if (this.#state === "open") this.#state = "connecting";
    this.#push({ kind: "lost", reason });
  }

  #push(item: LinkItem): void {
    const limit = this.#options.bufferSize ?? DEFAULT_BUFFER;
    if (this.#items.length >= limit && this.#current) {
      // What was dropped is stale knowledge anyway once the reader lists again.
      const reason = new EventOverflowError(`${limit} items were not read in time`);
      this.#items = [{ kind: "gap", hypervisor: this.#current, reason }];
    } else {
      this.#items.push(item);
    }
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** Connects in the background and stays connected. Never rejects: look at `state`, `ready()` and `events()`. */
export function reconnecting(
  target: ConnectTarget,
  options?: ReconnectingOptions,
): ReconnectingHypervisor {
  return new ReconnectingHypervisor(target, options);
}

/** Ends early, without an error, when the signal is aborted. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
