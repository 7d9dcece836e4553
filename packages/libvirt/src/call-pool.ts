/**
 * Spreads calls over connections, so that hung guests hold up nobody else.
 *
 * The control connection keeps one slot for high-priority calls, which libvirtd runs on workers of their own. When
 * every slot is taken and none becomes free for a moment, another connection is opened, up to a limit.
 */
import type { Connection } from "./connection.ts";
import { deferred } from "./deferred.ts";
import { ConnectionLostError } from "./errors.ts";
import { PendingCall, type CallOptions } from "./pending-call.ts";
import type { Procedure } from "./protocol/procedure.ts";

export interface CallPoolOptions {
  /** Connections for calls, the control connection included. */
  readonly maxConnections: number;
  /** How long calls may wait for a slot before another connection is worth its opening (2 to 25 ms). */
  readonly patienceMs: number;
}

export class CallPool {
  readonly #control: Connection;
  readonly #workers = new Set<Connection>();
  readonly #open: () => Promise<Connection>;
  readonly #options: CallPoolOptions;
  /** In order of arrival; high-priority calls wait apart. */
  readonly #waiting: PendingCall[] = [];
  readonly #urgent: PendingCall[] = [];
  #growTimer: NodeJS.Timeout | undefined;
  #isGrowing = false;
  #closedBecause: Error | undefined;

  constructor(control: Connection, open: () => Promise<Connection>, options: CallPoolOptions) {
    this.#control = control;
    this.#open = open;
    this.#options = options;
    control.onSlotFree = () => this.#drain();
  }

  /** Connections now open, the control connection included. */
  get size(): number {
    return 1 + this.#workers.size;
  }

  /** Everything that goes wrong is a rejection; it is no async function only because each of those costs a promise. */
  call<Args, Ret>(
    name: string,
    procedure: Procedure<Args, Ret, never>,
    args: Args,
    options: CallOptions = {},
  ): Promise<Ret> {
    if (this.#closedBecause) return Promise.reject(this.#closedBecause);
    let call: PendingCall;
    try {
      call = PendingCall.create(name, procedure, args, options);
    } catch (error) {
      const { promise, reject } = deferred<Ret>();
      reject(error as Error);
      return promise;
    }
    const connection = this.#pick(procedure.priority === "high");
    if (connection) connection.submit(call);
    else this.#enqueue(call);
    return call.answer<Ret>();
  }

  /** Ends the workers; calls that wait are told that they were never sent. */
  close(reason: Error): void {
    if (this.#closedBecause) return;
    this.#closedBecause = new ConnectionLostError(`connection to libvirt lost: ${reason.message}`, {
      sent: false,
      cause: reason,
    });
    clearTimeout(this.#growTimer);
    for (const call of [...this.#urgent, ...this.#waiting]) call.reject(this.#closedBecause);
    this.#urgent.length = 0;
    this.#waiting.length = 0;
    for (const worker of this.#workers) worker.destroy(reason);
  }

  #pick(isUrgent: boolean): Connection | undefined {
    if (isUrgent ? this.#control.hasFreeSlot : this.#control.freeSlots > 1) return this.#control;
    let best: Connection | undefined;
    for (const worker of this.#workers) {
      if (worker.freeSlots > (best?.freeSlots ?? 0)) best = worker;
    }
    return best;
  }

  #enqueue(call: PendingCall): void {
    const queue = call.procedure.priority === "high" ? this.#urgent : this.#waiting;
    queue.push(call);
    call.onGivenUp = () => {
      const index = queue.indexOf(call);
      if (index >= 0) queue.splice(index, 1);
    };
    this.#considerGrowing();
  }

  #drain(): void {
    for (const queue of [this.#urgent, this.#waiting]) {
      for (let next = queue[0]; next; next = queue[0]) {
        const connection = this.#pick(queue === this.#urgent);
        if (!connection) break;
        queue.shift();
        connection.submit(next);
      }
    }
  }

  #considerGrowing(): void {
    if (this.#growTimer !== undefined || this.#isGrowing) return;
    if (this.size >= this.#options.maxConnections) return;
    this.#growTimer = setTimeout(() => {
      this.#growTimer = undefined;
      if (this.#waiting.length + this.#urgent.length > 0) void this.#grow();
    }, this.#options.patienceMs);
  }

  /** One at a time. A connection that cannot be opened only means that the calls keep waiting for the others. */
  async #grow(): Promise<void> {
    this.#isGrowing = true;
    const worker = await this.#open().catch((error: unknown) => error as Error);
    this.#isGrowing = false;
    if (worker instanceof Error) return;
    if (this.#closedBecause) return worker.destroy();
    this.#workers.add(worker);
    worker.onSlotFree = () => this.#drain();
    void worker.closed.then(() => this.#workers.delete(worker));
    this.#drain();
    if (this.#waiting.length > 0) this.#considerGrowing();
  }
}
