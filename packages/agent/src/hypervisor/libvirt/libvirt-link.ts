/**
 * The agent's one link to libvirt: it comes back by itself when libvirtd restarts, hands out the open connection,
 * and passes every event on to whoever listens.
 */
import { MusterError } from "@muster/model";
import type { Clock } from "@muster/runtime";
import {
  reconnecting,
  type ConnectTarget,
  type DomainEvent,
  type Hypervisor as Connection,
  type ReconnectingHypervisor,
} from "node-libvirt";
import type { HypervisorLog } from "../hypervisor.ts";
import { raceAbort } from "../race-abort.ts";

export type { Connection, DomainEvent };

/** Calls made while libvirtd is away wait this long: a restart takes about a second. */
const RECONNECT_WAIT_MS = 5_000;
/**
 * No call of ours takes longer unless the daemon hangs; migrations and console streams are exempt. libvirt itself
 * gives up waiting for a busy domain after 30 s, and its answer is the better one.
 */
const CALL_TIMEOUT_MS = 45_000;

const EVENT_KINDS = [
  "lifecycle",
  "reboot",
  "ioErrorReason",
  "agentLifecycle",
  "migrationIteration",
  "jobCompleted",
  "metadataChange",
  "deviceAdded",
  "deviceRemoved",
] as const;

export interface LinkListener {
  readonly onEvent: (event: DomainEvent) => void;
  /** Connected (again): events from now on are certain to come. */
  readonly onGap: () => void;
}

export class LibvirtLink implements AsyncDisposable {
  readonly #link: ReconnectingHypervisor;
  readonly #clock: Clock;
  readonly #log: HypervisorLog;
  readonly #listeners = new Set<LinkListener>();
  readonly #reading: Promise<void>;
  readonly #closing = new AbortController();

  constructor(parts: {
    readonly target: ConnectTarget;
    readonly clock: Clock;
    readonly log: HypervisorLog;
  }) {
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#link = reconnecting(parts.target, {
      callTimeoutMs: CALL_TIMEOUT_MS,
      domainEvents: EVENT_KINDS,
    });
    this.#reading = this.#read();
  }

  /** Aborts when the link is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  get isOpen(): boolean {
    return this.#link.current !== null;
  }

  /** The open connection; waits a little for libvirtd to come back, then rejects with "unreachable". */
  async connection(waitMs = RECONNECT_WAIT_MS): Promise<Connection> {
    this.#closing.signal.throwIfAborted();
    const current = this.#link.current;
    if (current !== null) return current;
    const timeUp = new AbortController();
    const slept = this.#clock.sleep(waitMs, timeUp.signal).then(
      () => {
        const { lastError } = this.#link;
        timeUp.abort(
          new MusterError("unreachable", "libvirt on this host does not answer", {
            hint: "is libvirtd running?",
            ...(lastError === null ? {} : { cause: lastError }),
          }),
        );
      },
      // Opened in time: the sleep was aborted below.
      () => undefined,
    );
    try {
      const signal = AbortSignal.any([timeUp.signal, this.#closing.signal]);
      return await raceAbort(this.#link.ready({ signal }), signal);
    } finally {
      timeUp.abort(new MusterError("cancelled", "libvirt answered"));
      await slept;
    }
  }

  /** Gives a function that stops listening. A link that is open already gives the gap at once. */
  listen(listener: LinkListener): () => void {
    this.#listeners.add(listener);
    if (this.isOpen) listener.onGap();
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new MusterError("cancelled", "the hypervisor was closed"));
    await this.#link.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const item of this.#link.events()) {
      if (item.kind === "gap") {
        this.#log.info({ why: item.reason?.message }, "connected to libvirt");
        for (const listener of [...this.#listeners]) listener.onGap();
      } else if (item.kind === "lost") {
        if (this.#closing.signal.aborted) continue;
        this.#log.warn({ err: item.reason }, "lost the connection to libvirt");
      } else {
        for (const listener of [...this.#listeners]) listener.onEvent(item);
      }
    }
  }
}
