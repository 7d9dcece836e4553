/**
 * One connection to the coordinator's Admin service. Every call has a deadline and every failure leaves here as a
 * MusterError. A first connection that fails is reported at once; a connection that is lost later is retried, with
 * the very same request, until the timeout: changes carry a request id, so a repeat takes effect once.
 */
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  connectivityState,
  credentials,
  Metadata,
  type ServiceError,
  type ChannelCredentials,
} from "@grpc/grpc-js";
import { MusterError } from "@muster/model";
import { AdminClient, AdminService } from "@muster/proto/admin";
import type { OpenConsoleRequest, OpenConsoleResponse } from "@muster/proto/admin";
import type { Clock } from "@muster/runtime";
import type { CoordinatorAddress } from "./address.ts";
import { callError, isBroken, isServiceError } from "./call-error.ts";
import type { Identity } from "./identity.ts";
import { unreachable } from "./unreachable.ts";

/** 50,000 VMs or 2,500 inventories fit; an answer larger than this is a mistake, not a cluster. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** The largest request is one VM spec; the coordinator refuses larger ones anyway. */
const REQUEST_BYTES_MAX = 1024 * 1024;
/** Shorter only burdens a coordinator that starts; longer makes people wait after it is back. */
const RETRY_PAUSE_MS = 250;
/** Finds a coordinator whose machine died while we wait on a quiet stream. */
const KEEPALIVE_TIME_MS = 20_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;

const channelOptions = {
  "grpc.max_receive_message_length": ANSWER_BYTES_MAX,
  "grpc.max_send_message_length": REQUEST_BYTES_MAX,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  "grpc.keepalive_time_ms": KEEPALIVE_TIME_MS,
  "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
  // A proxy that is set for downloads is not the way to the coordinator.
  "grpc.enable_http_proxy": 0,
} as const;

/** The part of a generated method description that a call needs. */
export interface UnaryMethod<Request, Response> {
  readonly path: string;
  readonly requestStream: false;
  readonly responseStream: false;
  requestSerialize(value: Request): Buffer;
  responseDeserialize(value: Buffer): Response;
}

export interface ServerStreamMethod<Request, Response> {
  readonly path: string;
  readonly requestStream: false;
  readonly responseStream: true;
  requestSerialize(value: Request): Buffer;
  responseDeserialize(value: Buffer): Response;
}

/** What is asked, and in which words a failure is told: "show vm web-1". */
export interface Question<Request> {
  readonly doing: string;
  readonly request: Request;
}

export interface AdminConnectionParts {
  readonly address: CoordinatorAddress;
  /** Needed for TLS only. */
  readonly identity?: Identity;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export class AdminConnection implements Disposable {
  readonly address: CoordinatorAddress;
  readonly timeoutMs: number;
  readonly #clock: Clock;
  readonly #client: AdminClient;
  #wasConnected = false;

  constructor(parts: AdminConnectionParts) {
    this.address = parts.address;
    this.timeoutMs = parts.timeoutMs;
    this.#clock = parts.clock;
    this.#client = new AdminClient(
      parts.address.target,
      channelCredentials(parts.address, parts.identity),
      channelOptions,
    );
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
    const giveUpAtMs = this.#clock.now() + this.timeoutMs;
    await this.#connectOnce();
    for (;;) {
      try {
        return await this.#callOnce(method, question.request, giveUpAtMs - this.#clock.now());
      } catch (error) {
        if (!isServiceError(error)) throw error;
        const isLate = this.#clock.now() + RETRY_PAUSE_MS >= giveUpAtMs;
        if (!isBroken(error)) throw callError(error, question.doing);
        if (!this.#wasConnected || isLate) throw unreachable(this.address, error.details);
        await this.#clock.sleep(RETRY_PAUSE_MS);
      }
    }
  }

  /**
   * Messages of a server stream until it ends. Throws `StreamBroken` when the connection was lost and
   * trying again may help; anything else the coordinator meant.
   */
  async *stream<Request, Response>(
    method: ServerStreamMethod<Request, Response>,
    question: Question<Request>,
    signal: AbortSignal,
  ): AsyncGenerator<Response, void> {
    await this.#connectOnce();
    const call = this.#client.makeServerStreamRequest(
      method.path,
      (value: Request) => method.requestSerialize(value),
      (value) => method.responseDeserialize(value),
      question.request,
    );
    yield* this.#messages(call, question.doing, signal);
  }

  /** The raw console stream. Errors of it go through `consoleError`. */
  async openConsole(): Promise<ClientDuplexStream<OpenConsoleRequest, OpenConsoleResponse>> {
    await this.#connectOnce();
    const { path, requestSerialize, responseDeserialize } = AdminService.openConsole;
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  }

  /** What a broken console or event stream means to people. */
  explain(error: unknown, doing: string): unknown {
    if (!isServiceError(error)) return error;
    return isBroken(error) ? unreachable(this.address, error.details) : callError(error, doing);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  async *#messages<Response>(
    call: ClientReadableStream<Response>,
    doing: string,
    signal: AbortSignal,
  ): AsyncGenerator<Response, void> {
    const cancel = (): void => {
      call.cancel();
    };
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      // The elements of a Readable are `any` to the compiler; the deserializer made them.
      for await (const message of call as AsyncIterable<Response>) yield message;
    } catch (error) {
      if (signal.aborted) return;
      if (!isServiceError(error)) throw error;
      if (isBroken(error) && this.#wasConnected) throw new StreamBroken(error.details);
      throw this.explain(error, doing);
    } finally {
      signal.removeEventListener("abort", cancel);
      call.cancel();
    }
  }

  /** Waits until the first connection stands or failed; the call that follows tells why. */
  async #connectOnce(): Promise<void> {
    if (this.#wasConnected) return;
    const channel = this.#client.getChannel();
    const deadline = this.#clock.wall().getTime() + this.timeoutMs;
    let state = channel.getConnectivityState(true);
    while (state === connectivityState.IDLE || state === connectivityState.CONNECTING) {
      const seen = state;
      const isLate = await new Promise<boolean>((resolve) => {
        channel.watchConnectivityState(seen, deadline, (error) => {
          resolve(error !== undefined);
        });
      });
      if (isLate) throw unreachable(this.address, "no connection within the timeout");
      state = channel.getConnectivityState(false);
    }
    this.#wasConnected = state === connectivityState.READY;
  }

  #callOnce<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    timeoutMs: number,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        method.path,
        (value: Request) => method.requestSerialize(value),
        (value) => method.responseDeserialize(value),
        request,
        new Metadata(),
        { deadline: this.#clock.wall().getTime() + timeoutMs },
        (error: ServiceError | null, response?: Response) => {
          if (error !== null) reject(error);
          else if (response === undefined) reject(new MusterError("internal", "an empty answer"));
          else resolve(response);
        },
      );
    });
  }
}

/** The connection under a stream was lost; nothing is known to have failed. */
export class StreamBroken extends Error {
  override readonly name = "StreamBroken";
}

function channelCredentials(
  address: CoordinatorAddress,
  identity: Identity | undefined,
): ChannelCredentials {
  if (address.kind === "unix") return credentials.createInsecure();
  if (identity === undefined) {
    throw new MusterError("unauthenticated", "an https coordinator needs an identity");
  }
  try {
    return credentials.createSsl(identity.authority, identity.key, identity.certificate);
  } catch (cause) {
    throw new MusterError("unauthenticated", "the identity's PEM files cannot be used", { cause });
  }
}
