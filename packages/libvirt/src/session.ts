/** What every object of one hypervisor shares: its connections and its events. */
import { CallPool, type CallPoolOptions } from "./call-pool.ts";
import type { Connection } from "./connection.ts";
import { ConnectionLostError } from "./errors.ts";
import { EventHub } from "./events/event-hub.ts";
import type { CallOptions } from "./pending-call.ts";
import { qemuCalls } from "./protocol/generated/qemu.ts";
import { remoteCalls } from "./protocol/generated/remote.ts";
import type { ArgsOf, Procedure, RetOf } from "./protocol/procedure.ts";
import type { RpcStream } from "./rpc-stream.ts";

export type RemoteCalls = typeof remoteCalls;
export type RemoteCallName = keyof RemoteCalls;
export type QemuCalls = typeof qemuCalls;
export type QemuCallName = keyof QemuCalls;

export interface SessionOptions extends CallPoolOptions {
  /** Default deadline of a call in milliseconds; 0 is none. */
  readonly callTimeoutMs: number;
}

export class Session {
  readonly control: Connection;
  readonly events: EventHub;
  readonly #pool: CallPool;
  readonly #open: (signal?: AbortSignal) => Promise<Connection>;
  readonly #options: SessionOptions;
  readonly #dedicated = new Set<Connection>();

  constructor(
    control: Connection,
    open: (signal?: AbortSignal) => Promise<Connection>,
    options: SessionOptions,
  ) {
    this.control = control;
    this.#open = open;
    this.#options = options;
    this.#pool = new CallPool(control, () => open(), options);
    this.events = new EventHub(control);
    void control.closed.then((reason) => this.#end(reason));
  }

  /** Connections now open, those of long operations and streams included. */
  get connections(): number {
    return this.#pool.size + this.#dedicated.size;
  }

  /** A short call, on whichever connection is free. */
  call<Name extends RemoteCallName>(
    name: Name,
    args: ArgsOf<RemoteCalls[Name]>,
    options?: CallOptions,
  ): Promise<RetOf<RemoteCalls[Name]>> {
    return this.#pool.call(name, procedureOf(remoteCalls, name), args, this.#limited(options));
  }

  /** A call of the QEMU program. */
  callQemu<Name extends QemuCallName>(
    name: Name,
    args: ArgsOf<QemuCalls[Name]>,
    options?: CallOptions,
  ): Promise<RetOf<QemuCalls[Name]>> {
    return this.#pool.call(name, procedureOf(qemuCalls, name), args, this.#limited(options));
  }

  /** A call whose effect is bound to the connection that makes it (auto-destroy). */
  callOnControl<Name extends RemoteCallName>(
    name: Name,
    args: ArgsOf<RemoteCalls[Name]>,
    options?: CallOptions,
  ): Promise<RetOf<RemoteCalls[Name]>> {
    const procedure = procedureOf(remoteCalls, name);
    return this.control.call(name, procedure, args, this.#limited(options));
  }

  /** A call that may take minutes: it has a connection of its own, and no deadline unless the caller sets one. */
  async callLong<Name extends RemoteCallName>(
    name: Name,
    args: ArgsOf<RemoteCalls[Name]>,
    options?: CallOptions,
  ): Promise<RetOf<RemoteCalls[Name]>> {
    const connection = await this.#openDedicated(options?.signal);
    try {
      return await connection.call(name, procedureOf(remoteCalls, name), args, options);
    } finally {
      connection.destroy();
    }
  }

  /** As callLong, for the QEMU program. */
  async callLongQemu<Name extends QemuCallName>(
    name: Name,
    args: ArgsOf<QemuCalls[Name]>,
    options?: CallOptions,
  ): Promise<RetOf<QemuCalls[Name]>> {
    const connection = await this.#openDedicated(options?.signal);
    try {
      return await connection.call(name, procedureOf(qemuCalls, name), args, options);
    } finally {
      connection.destroy();
    }
  }

  /** Opens a stream on a connection of its own, which ends with it. */
  async openStream<Name extends RemoteCallName>(
    name: Name,
    args: ArgsOf<RemoteCalls[Name]>,
    options?: CallOptions,
  ): Promise<RpcStream> {
    const connection = await this.#openDedicated(options?.signal);
    try {
      const procedure = procedureOf(remoteCalls, name);
      const stream = await connection.openStream(name, procedure, args, this.#limited(options));
      void stream.closed.then(() => connection.destroy());
      return stream;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  /** Says goodbye on the control connection and closes all. Waiters get ConnectionLostError. */
  async close(): Promise<void> {
    if (!this.control.isOpen) return;
    const goodbye = { timeoutMs: GOODBYE_MS };
    const reason = new Error("it was closed here");
    // Its answer changes nothing: the connection ends either way.
    await this.control
      .call("connectClose", remoteCalls.connectClose, {}, goodbye)
      .catch((error: unknown) => error);
    this.control.destroy(reason);
    this.#end(reason);
  }

  #limited(options: CallOptions | undefined): CallOptions {
    const timeoutMs = options?.timeoutMs ?? this.#options.callTimeoutMs;
    return { signal: options?.signal, timeoutMs };
  }

  async #openDedicated(signal: AbortSignal | undefined): Promise<Connection> {
    if (!this.control.isOpen) {
      throw new ConnectionLostError("the connection to libvirt is closed", { sent: false });
    }
    const connection = await this.#open(signal);
    this.#dedicated.add(connection);
    void connection.closed.then(() => this.#dedicated.delete(connection));
    if (!this.control.isOpen) connection.destroy();
    return connection;
  }

  #end(reason: Error): void {
    this.#pool.close(reason);
    for (const connection of this.#dedicated) connection.destroy(reason);
    this.events.end(reason);
  }
}

const GOODBYE_MS = 2_000;

/** The compiler cannot relate a procedure found by a generic name to its own argument types. */
function procedureOf<Table extends Readonly<Record<string, unknown>>, Name extends keyof Table>(
  table: Table,
  name: Name,
): Procedure<ArgsOf<Table[Name]>, RetOf<Table[Name]>, never> {
  return table[name] as Procedure<ArgsOf<Table[Name]>, RetOf<Table[Name]>, never>;
}
