import { CallTimeoutError, retraced } from "./errors.ts";
import type { Procedure } from "./protocol/procedure.ts";
import type { RpcStream } from "./rpc-stream.ts";
import { HEADER_BYTES } from "./wire/packet.ts";
import { Writer } from "./xdr/writer.ts";

/** Limits that a caller puts on one call. */
export interface CallOptions {
  /** Stops waiting. A call that was not sent yet is never sent; libvirt cannot cancel one that was. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait; 0 is for ever. */
  readonly timeoutMs?: number | undefined;
}

type AnyProcedure = Procedure<never, unknown, never>;

const ignore = () => undefined;

/** One function for all timers. */
const expire = (call: PendingCall) => call.expire();

/**
 * One call from its encoding to its answer. Settled at most once, whoever comes first: answer, abort or deadline.
 * Thousands are made in a second, so it is made of as few objects as can be.
 */
export class PendingCall {
  readonly name: string;
  readonly procedure: AnyProcedure;
  /** The whole packet but for its header. */
  readonly frame: Buffer;
  readonly stream: RpcStream | null;
  /** Zero until it is sent. */
  serial = 0;
  readonly promise: Promise<unknown>;
  /** Told when the caller stopped waiting; set by whoever holds the call. */
  onGivenUp: () => void = ignore;
  readonly #signal: AbortSignal | undefined;
  readonly #timeoutMs: number;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #onAbort: (() => void) | undefined;
  #onValue: (value: unknown) => void = ignore;
  #onError: (error: Error) => void = ignore;

  private constructor(
    name: string,
    procedure: AnyProcedure,
    frame: Buffer,
    { signal, timeoutMs = 0, stream = null }: CallOptions & { readonly stream?: RpcStream | null },
  ) {
    this.name = name;
    this.procedure = procedure;
    this.frame = frame;
    this.stream = stream;
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
    this.promise = new Promise((onValue, onError) => {
      this.#onValue = onValue;
      this.#onError = onError;
    });
    if (timeoutMs > 0) this.#timer = setTimeout(expire, timeoutMs, this);
    if (signal) {
      this.#onAbort = () => this.#giveUp(signal.reason as Error);
      signal.addEventListener("abort", this.#onAbort, { once: true });
    }
  }

  /** Encodes the arguments. Throws XdrError if they do not fit the schema, or the reason of an aborted signal. */
  static create<Args>(
    name: string,
    procedure: Procedure<Args, unknown, never>,
    args: Args,
    options: CallOptions & { readonly stream?: RpcStream | null } = {},
  ): PendingCall {
    options.signal?.throwIfAborted();
    const writer = new Writer(HEADER_BYTES);
    procedure.args.encode(writer, args);
    return new PendingCall(name, procedure, writer.finish(), options);
  }

  get sent(): boolean {
    return this.serial !== 0;
  }

  /** Waits for the answer, whose type only the procedure knows. */
  async answer<Ret>(): Promise<Ret> {
    try {
      return (await this.promise) as Ret;
    } catch (error) {
      throw retraced(error);
    }
  }

  resolve(value: unknown): void {
    this.#settled();
    this.#onValue(value);
  }

  reject(error: Error): void {
    this.#settled();
    this.#onError(error);
  }

  /** The deadline passed. */
  expire(): void {
    const { name: procedure, sent } = this;
    this.#giveUp(new CallTimeoutError({ procedure, timeoutMs: this.#timeoutMs, sent }));
  }

  #giveUp(error: Error): void {
    this.reject(error);
    this.onGivenUp();
  }

  #settled(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    if (this.#onAbort) this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}
