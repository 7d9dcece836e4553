/** libvirt's keepalive: a ping when nothing was heard for an interval, loss after so many in a row. */
export interface KeepaliveOptions {
  /** Silence before a ping, in milliseconds. */
  readonly intervalMs: number;
  /** Pings without any sign of life before the connection counts as lost. */
  readonly count: number;
}

export interface KeepaliveActions {
  sendPing(): void;
  onDead(): void;
}

export class Keepalive {
  readonly #options: KeepaliveOptions;
  readonly #actions: KeepaliveActions;
  #timer: NodeJS.Timeout | undefined;
  #heard = false;
  #unanswered = 0;

  constructor(options: KeepaliveOptions, actions: KeepaliveActions) {
    this.#options = options;
    this.#actions = actions;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), this.#options.intervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Any byte from the peer counts. */
  heard(): void {
    this.#heard = true;
  }

  #tick(): void {
    if (this.#heard) {
      this.#heard = false;
      this.#unanswered = 0;
    } else if (this.#unanswered >= this.#options.count) {
      this.#actions.onDead();
    } else {
      this.#unanswered++;
      this.#actions.sendPing();
    }
  }
}
