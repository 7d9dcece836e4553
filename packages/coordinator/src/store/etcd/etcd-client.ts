/**
 * etcd's v3 API over one connection at a time: to the first endpoint that answers, and to the next one when it no longer
 * does. A member that is alive but stuck is left as soon as one request to it takes too long.
 */
import {
  Client,
  credentials,
  Metadata,
  type ChannelCredentials,
  type ClientDuplexStream,
  type ServiceError,
} from "@grpc/grpc-js";
import { MusterError } from "@muster/model";
import { AuthService } from "@muster/proto/etcd";
import type { Clock } from "@muster/runtime";
import { etcdProblem, isStaleToken } from "./etcd-errors.ts";

export interface EtcdAccess {
  /** "https://etcd-1:2379", or "http://…" on the loopback. */
  readonly endpoints: readonly string[];
  readonly tls?: {
    /** PEM. */
    readonly authority: string;
    readonly certificate?: string;
    readonly key?: string;
  };
  readonly user?: { readonly name: string; readonly password: string };
}

/** One method as ts-proto describes it. */
export interface EtcdMethod<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (value: Buffer) => Response;
}

/** One member has this long. A healthy one answers in milliseconds, also while etcd elects a leader of its own. */
const ATTEMPT_MS = 1_500;
/** All members together. An election of etcd's own takes one to three seconds. */
const PATIENCE_MS = 8_000;
const PAUSE_MS = 100;
/** A page of a snapshot. */
const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;

const channelOptions = {
  "grpc.max_receive_message_length": RESPONSE_BYTES_MAX,
  "grpc.max_send_message_length": -1,
  // etcd closes connections that ask more often than every five seconds.
  "grpc.keepalive_time_ms": 6_000,
  "grpc.keepalive_timeout_ms": 2_000,
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 1_000,
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_http_proxy": 0,
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
  "grpc.enable_channelz": 0,
} as const;

export class EtcdClient implements Disposable {
  readonly #access: EtcdAccess;
  readonly #clock: Clock;
  readonly #channels: readonly { readonly endpoint: string; readonly client: Client }[];
  readonly #closed = new AbortController();
  #current = 0;
  #token: string | undefined;

  constructor(access: EtcdAccess, clock: Clock) {
    if (access.endpoints.length === 0) {
      throw new MusterError("invalid", "etcd.endpoints: at least one is needed");
    }
    this.#access = access;
    this.#clock = clock;
    this.#channels = access.endpoints.map((endpoint) => ({
      endpoint,
      client: new Client(new URL(endpoint).host, credentialsFor(endpoint, access), channelOptions),
    }));
  }

  /** Asks one member after another until one answers. The request must bear being repeated. */
  async ask<Request, Response>(
    method: EtcdMethod<Request, Response>,
    request: Request,
    { doing, patienceMs = PATIENCE_MS }: { readonly doing: string; readonly patienceMs?: number },
  ): Promise<Response> {
    const giveUpAtMs = this.#clock.now() + patienceMs;
    for (;;) {
      try {
        return await this.once(method, request, doing);
      } catch (error) {
        const mayHelp = error instanceof MusterError && error.code === "unreachable";
        const isLate = this.#clock.now() + PAUSE_MS >= giveUpAtMs;
        if (!mayHelp || isLate || this.#closed.signal.aborted) throw error;
        await this.#clock.sleep(PAUSE_MS, this.#closed.signal);
      }
    }
  }

  /** Asks one member once. After `unreachable` the next request goes to another one. */
  async once<Request, Response>(
    method: EtcdMethod<Request, Response>,
    request: Request,
    doing: string,
  ): Promise<Response> {
    for (let isRepeat = false; ; isRepeat = true) {
      const turn = this.#current;
      const { endpoint, client } = this.#channel(turn);
      try {
        const metadata = await this.#metadata(client);
        return await call(client, method, request, { metadata, deadline: this.#deadline() });
      } catch (cause) {
        const error = cause as ServiceError;
        if (this.#access.user !== undefined && isStaleToken(error) && !isRepeat) {
          this.#token = undefined;
          continue;
        }
        const problem = etcdProblem(error, doing, endpoint);
        if (problem.code === "unreachable") this.#leave(turn);
        throw problem;
      }
    }
  }

  /** A stream to the member that answers now. Its errors are `problemOf`'s to tell. */
  async open<Request, Response>(
    method: EtcdMethod<Request, Response>,
  ): Promise<{
    readonly call: ClientDuplexStream<Request, Response>;
    readonly problemOf: (error: unknown, doing: string) => MusterError;
  }> {
    const turn = this.#current;
    const { endpoint, client } = this.#channel(turn);
    const stream = client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      await this.#metadata(client),
    );
    return {
      call: stream,
      problemOf: (error, doing) => {
        if (error instanceof MusterError) return error;
        const problem = etcdProblem(error as ServiceError, doing, endpoint);
        if (problem.code === "unreachable") this.#leave(turn);
        if (problem.code === "unauthenticated") this.#token = undefined;
        return problem;
      },
    };
  }

  [Symbol.dispose](): void {
    this.#closed.abort(new MusterError("unreachable", "the store was closed"));
    for (const { client } of this.#channels) client.close();
  }

  #channel(turn: number) {
    const channel = this.#channels[turn % this.#channels.length];
    if (channel === undefined) throw new MusterError("internal", "etcd has no endpoint");
    return channel;
  }

  /** Several requests fail together when a member dies: only the first moves on. */
  #leave(turn: number): void {
    if (this.#current === turn) this.#current += 1;
  }

  async #metadata(client: Client): Promise<Metadata> {
    const metadata = new Metadata();
    const { user } = this.#access;
    if (user === undefined) return metadata;
    const options = { metadata: new Metadata(), deadline: this.#deadline() };
    this.#token ??= (await call(client, AuthService.authenticate, user, options)).token;
    metadata.set("token", this.#token);
    return metadata;
  }

  #deadline(): number {
    return this.#clock.wall().getTime() + ATTEMPT_MS;
  }
}

function call<Request, Response>(
  client: Client,
  method: EtcdMethod<Request, Response>,
  request: Request,
  { metadata, deadline }: { readonly metadata: Metadata; readonly deadline: number },
): Promise<Response> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadata,
      { deadline },
      (error, response) => {
        if (error !== null) reject(error);
        else if (response === undefined) reject(new Error(`${method.path} gave no answer`));
        else resolve(response);
      },
    );
  });
}

function credentialsFor(endpoint: string, { tls }: EtcdAccess): ChannelCredentials {
  if (new URL(endpoint).protocol === "http:") return credentials.createInsecure();
  const pem = (text: string | undefined): Buffer | null =>
    text === undefined ? null : Buffer.from(text);
  return credentials.createSsl(pem(tls?.authority), pem(tls?.key), pem(tls?.certificate));
}
