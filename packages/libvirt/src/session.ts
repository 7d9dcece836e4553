/** What every object of one hypervisor shares: its connections and its events. */
import { CallPool, type CallPoolOptions } from "./call-pool.ts";
import type { Connection } from "./connection.ts";
import { ConnectionLostError } from "./errors.ts";
import { EventHub, type EventSource, type HubOptions } from "./events/event-hub.ts";
import type { EventStream } from "./events/event-stream.ts";
import { driverFeature, type DriverFeature } from "./features.ts";
import type { CallOptions } from "./pending-call.ts";
import {
  callRemote,
  qemuProcedure,
  remoteProcedure,
  type QemuCallName,
  type QemuCalls,
  type RemoteCallName,
  type RemoteCalls,
} from "./procedures.ts";
import type { ArgsOf, RetOf } from "./protocol/procedure.ts";
import type { RpcStream } from "./rpc-stream.ts";

export interface SessionOptions extends CallPoolOptions {
  /** Default deadline of a call in milliseconds; 0 is none. */
  readonly callTimeoutMs: number;
  /** The bytes cannot be read on their way. */
  readonly isPrivate: boolean;
}

export class Session {
  readonly control: Connection;
  readonly #events: EventHub;
  readonly #pool: CallPool;
  readonly #open: (signal?: AbortSignal) => Promise<Connection>;
  readonly #options: SessionOptions;
  readonly #dedicated = new Set<Connection>();
  readonly #features = new Map<DriverFeature, Promise<boolean>>();

  constructor(
    control: Connection,
    open: (signal?: AbortSignal) => Promise<Connection>,
    options: SessionOptions,
  ) {
    this.control = control;
    this.#open = open;
    this.#options = options;
    this.#pool = new CallPool(control, () => open(), options);
    this.#events = new EventHub(control);
    void control.closed.then((reason) => this.#end(reason));
  }

  get isPrivate(): boolean {
    return this.#options.isPrivate;
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
    return this.#pool.call(name, remoteProcedure(name), args, this.#limited(options));
  }

  /** A call of the QEMU program. */
  callQemu<Name extends QemuCallName>(
    name: Name,
    args: ArgsOf<QemuCalls[Name]>,
    options?: CallOptions,
  ): Promise<RetOf<QemuCalls[Name]>> {
    return this.#pool.call(name, qemuProcedure(name), args, this.#limited(options));
  }

  /** Whether the daemon's driver has a feature. It is asked once. */
  supports(feature: DriverFeature): Promise<boolean> {
    const known = this.#features.get(feature);
    if (known) return known;
    const asked = this.call("connectSupportsFeature", { feature: driverFeature[feature] }).then(
      ({ supported }) => supported !== 0,
    );
    this.#features.set(feature, asked);
    // The next one asks again if this one could not.
    asked.catch(() => this.#features.delete(feature));
    return asked;
  }

  /** The flag that getters of typed parameters need where strings are possible. */
  async stringOkayFlag(): Promise<number> {
    return (await this.supports("typedParamString")) ? TYPED_PARAM_STRING_OKAY : 0;
  }

  /** Registers for events, on the control connection; they come until the stream is closed. */
  subscribe<Event>(
    sources: readonly EventSource<Event>[],
    options: HubOptions = {},
  ): Promise<EventStream<Event>> {
    return this.#events.subscribe(sources, { ...options, ...this.#limited(options) });
  }

  /** virConnectRegisterCloseCallback and its opposite, which is null. */
  async watchHypervisor(
    onClosed: ((reason: number) => void) | null,
    options?: CallOptions,
  ): Promise<void> {
    this.#events.onHypervisorClosed = onClosed;
    const name = onClosed ? "connectRegisterCloseCallback" : "connectUnregisterCloseCallback";
    await callRemote(this.control, name, {}, this.#limited(options));
  }

  /** A call whose effect is bound to the connection that makes it (auto-destroy). */
  callOnControl<Name extends RemoteCallName>(
    name: Name,
    args: ArgsOf<RemoteCalls[Name]>,
    options?: CallOptions,
  ): Promise<RetOf<RemoteCalls[Name]>> {
    return callRemote(this.control, name, args, this.#limited(options));
  }

  /** A call that may take minutes: it has a connection of its own, and no deadline unless the caller sets one. */
  callLong<Name extends RemoteCallName>(
    name: Name,
    args: ArgsOf<RemoteCalls[Name]>,
    options?: CallOptions,
  ): Promise<RetOf<RemoteCalls[Name]>> {
    const procedure = remoteProcedure(name);
    return this.withConnection(options?.signal, (own) => own.call(name, procedure, args, options));
  }

  /** As callLong, for the QEMU program. */
  callLongQemu<Name extends QemuCallName>(
    name: Name,
    args: ArgsOf<QemuCalls[Name]>,
    options?: CallOptions,
  ): Promise<RetOf<QemuCalls[Name]>> {
    const procedure = qemuProcedure(name);
    return this.withConnection(options?.signal, (own) => own.call(name, procedure, args, options));
  }

  /** Opens a connection for as long as `use` needs it. */
  async withConnection<T>(
    signal: AbortSignal | undefined,
    use: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const connection = await this.#openDedicated(signal);
    try {
      return await use(connection);
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
    return (await this.openAnsweredStream(name, args, options)).stream;
  }

  /** As openStream, for the calls that answer something besides. */
  async openAnsweredStream<Name extends RemoteCallName>(
    name: Name,
    args: ArgsOf<RemoteCalls[Name]>,
    options?: CallOptions,
  ): Promise<{ readonly stream: RpcStream; readonly answer: RetOf<RemoteCalls[Name]> }> {
    const connection = await this.#openDedicated(options?.signal);
    try {
      const procedure = remoteProcedure(name);
      const opened = await connection.openStream(name, procedure, args, this.#limited(options));
      void opened.stream.closed.then(() => connection.destroy());
      return opened;
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
    await callRemote(this.control, "connectClose", {}, goodbye).catch((error: unknown) => error);
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
    this.#events.end(reason);
  }
}

const GOODBYE_MS = 2_000;

/** VIR_TYPED_PARAM_STRING_OKAY */
const TYPED_PARAM_STRING_OKAY = 4;
