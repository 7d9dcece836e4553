import { deferred } from "./deferred.ts";
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

type Outcome = { readonly value: unknown } | { readonly error: Error };
type AnyProcedure = Procedure<never, unknown, never>;

/** One call from its encoding to its answer. Settled at most once, whoever comes first: answer, abort or deadline. */
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
  onGivenUp: () => void = () => undefined;
  readonly #settle: (outcome: Outcome) => void;

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
    const { promise, resolve, reject } = deferred<unknown>();
    this.promise = promise;
    const giveUp = (error: Error) => {
      this.#settle({ error });
      this.onGivenUp();
    };
    const onAbort = () => giveUp(signal?.reason as Error);
    const onDeadline = () =>
      giveUp(new CallTimeoutError({ procedure: this.name, timeoutMs, sent: this.sent }));
    const timer = timeoutMs > 0 ? setTimeout(onDeadline, timeoutMs) : undefined;
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#settle = (outcome) => {
      if (timer !== undefined) clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      if ("error" in outcome) reject(outcome.error);
      else resolve(outcome.value);
    };
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
    return new PendingCall(name, procedure, writer.bytes(), options);
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
    this.#settle({ value });
  }

  reject(error: Error): void {
    this.#settle({ error });
  }
}
