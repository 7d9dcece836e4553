/**
 * One connection to the coordinator's Admin service. Every call has a deadline and every failure leaves here as a
 * MusterError. A first connection that fails is reported at once; a connection that is lost later is dialled again,
 * and the very same request sent again, until the timeout: changes carry a request id, so a repeat takes effect
 * once.
 */
import { MusterError, type ErrorCode } from "@muster/model";
import { AdminService } from "@muster/proto/admin";
import type { OpenConsoleRequest, OpenConsoleResponse } from "@muster/proto/admin";
import { connect, type ClientTrust, type Clock, type Link, type RpcClient } from "@muster/runtime";
import type { CoordinatorAddress } from "./address.ts";
import { unreachable } from "./unreachable.ts";

/** Shorter only burdens a coordinator that starts; longer makes people wait after it is back. */
const RETRY_PAUSE_MS = 250;

/** The methods of RpcClient decide what a method description is. */
type UnaryMethod<Request, Response> = Parameters<
  typeof RpcClient.prototype.unary<Request, Response>
>[0];
type WatchMethod<Request, Response> = Parameters<
  typeof RpcClient.prototype.watch<Request, Response>
>[0];

/** What is asked, and in which words a failure is told: "show vm web-1". */
export interface Question<Request> {
  readonly doing: string;
  readonly request: Request;
  /** The answer may take this long whatever the timeout. */
  readonly atLeastMs?: number;
}

export interface AdminConnectionParts {
  readonly address: CoordinatorAddress;
  /** Needed for TLS only. */
  readonly trust?: ClientTrust;
  /** How long the coordinator may take to answer, or stay away once it was there. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export class AdminConnection implements AsyncDisposable {
  readonly address: CoordinatorAddress;
  readonly timeoutMs: number;
  readonly #clock: Clock;
  readonly #trust: ClientTrust | undefined;
  #dialling: Promise<RpcClient> | undefined;
  #wasConnected = false;

  constructor(parts: AdminConnectionParts) {
    this.address = parts.address;
    this.timeoutMs = parts.timeoutMs;
    this.#clock = parts.clock;
    this.#trust = parts.trust;
  }

  /** True once a connection stood: from then on a failure says nothing about what the coordinator did. */
  get wasConnected(): boolean {
    return this.#wasConnected;
  }

  /** Throws what the coordinator refused, or `unreachable` or `timeout` when it did not answer in time. */
  async call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    question: Question<Request>,
  ): Promise<Response> {
    const giveUpAtMs = this.#clock.now() + Math.max(this.timeoutMs, question.atLeastMs ?? 0);
    for (;;) {
      const leftMs = Math.max(1, giveUpAtMs - this.#clock.now());
      let client: RpcClient | undefined;
      try {
        client = await this.#connected(leftMs);
        return await client.unary(method, question.request, { timeoutMs: leftMs });
      } catch (error) {
        if (!isBroken(error)) throw withAdvice(error, question.doing);
        this.#drop(client);
        const isLate = this.#clock.now() + RETRY_PAUSE_MS >= giveUpAtMs;
        if (isLate || !this.#wasConnected) throw this.explain(error);
        await this.#clock.sleep(RETRY_PAUSE_MS);
      }
    }
  }

  /**
   * Messages of a server stream until it ends or the signal aborts. Throws `StreamBroken` when the connection was
   * lost and trying again may help; anything else the coordinator meant.
   */
  async *stream<Request, Response>(
    method: WatchMethod<Request, Response>,
    question: Question<Request>,
    signal: AbortSignal,
  ): AsyncGenerator<Response, void> {
    let client: RpcClient | undefined;
    try {
      client = await this.#connected(this.timeoutMs);
      yield* client.watch(method, question.request, { signal });
    } catch (error) {
      if (!isBroken(error)) throw withAdvice(error, question.doing);
      this.#drop(client);
      if (!this.#wasConnected) throw this.explain(error);
      throw new StreamBroken(wordsOf(error));
    }
  }

  /** Closes when the signal aborts. Errors of `incoming` go through `explain`. */
  async openConsole(signal: AbortSignal): Promise<Link<OpenConsoleRequest, OpenConsoleResponse>> {
    try {
      const client = await this.#connected(this.timeoutMs);
      return client.open(AdminService.openConsole, { signal });
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** A lost connection as people should hear of it; everything else as it is. */
  explain(error: unknown): unknown {
    return isBroken(error) ? unreachable(this.address, wordsOf(error)) : error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const dialling = this.#dialling;
    this.#dialling = undefined;
    (await dialling)?.close();
  }

  async #connected(timeoutMs: number): Promise<RpcClient> {
    this.#dialling ??= this.#dial(timeoutMs);
    return await this.#dialling;
  }

  async #dial(timeoutMs: number): Promise<RpcClient> {
    const trust = this.#trust === undefined ? {} : { trust: this.#trust };
    try {
      const client = await connect({ addresses: [this.address.shown], timeoutMs, ...trust });
      this.#wasConnected = true;
      return client;
    } catch (error) {
      this.#dialling = undefined;
      if (!(error instanceof MusterError)) throw unusable(error);
      if (error.code !== "unreachable") throw error;
      const reason = error.reasons.join("; ").replace(`${this.address.shown}: `, "");
      throw new MusterError("unreachable", error.message, { cause: new Error(reason) });
    }
  }

  /** A new connection is dialled at once, where grpc-js would wait longer every time. */
  #drop(client: RpcClient | undefined): void {
    this.#dialling = undefined;
    client?.close();
  }
}

/** The connection under a stream was lost; nothing is known to have failed. */
export class StreamBroken extends Error {
  override readonly name = "StreamBroken";
}

/** `cancelled`: not by us, so by a coordinator that is going down. */
const brokenCodes: ReadonlySet<ErrorCode> = new Set(["unreachable", "cancelled"]);

/** What gRPC says by itself has neither hint nor reasons; with them it is the coordinator's own word. */
const isBroken = (error: unknown): error is MusterError =>
  error instanceof MusterError &&
  brokenCodes.has(error.code) &&
  error.hint === undefined &&
  error.reasons.length === 0;

const wordsOf = (error: MusterError): string =>
  error.cause instanceof Error ? error.cause.message : error.message;

/** The only other thing that can be wrong before anything is sent: node:tls did not take the PEM files. */
const unusable = (cause: unknown): MusterError =>
  new MusterError("unauthenticated", "the identity's PEM files cannot be used", { cause });

const advice: Readonly<Partial<Record<ErrorCode, string>>> = {
  timeout: "try again with a longer --timeout",
  "version-mismatch": "the coordinator is of another version: compare `muster version`",
  "limit-exceeded": "ask for less at once",
};

/** Failures that gRPC reports by itself come without a hint, and name a method rather than what was asked. */
function withAdvice(error: unknown, doing: string): unknown {
  if (!(error instanceof MusterError) || error.hint !== undefined) return error;
  const hint = advice[error.code];
  if (hint === undefined) return error;
  return new MusterError(error.code, `cannot ${doing}: ${error.message}`, {
    cause: error.cause,
    reasons: error.reasons,
    hint,
  });
}
