/** Calls to a coordinator over one connection, typed by the generated service definitions. */
import {
  Client,
  connectivityState,
  credentials,
  Metadata,
  type ChannelCredentials,
} from "@grpc/grpc-js";
import { createSecureContext } from "node:tls";
import { MusterError } from "@muster/model";
import type { Link } from "../link.ts";
import { TLS_VERSION_MIN, type ClientTrust } from "../tls/identity.ts";
import { parseRpcAddress, renderRpcAddress, type RpcAddress } from "./address.ts";
import { coordinatorProblem } from "./coordinator-problem.ts";
import { diagnose } from "./diagnose.ts";
import { mapLink, type StreamMethod, type UnaryMethod, type WatchMethod } from "./service.ts";
import { decodeError, decodeThrown } from "./status.ts";
import { linkOfClientCall } from "./stream.ts";

/** A list of 50,000 VMs fits. The coordinator is trusted, so this only guards against our own mistakes. */
const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;

/** How soon a coordinator that vanished without a word is noticed: after the sum of both. */
export interface Keepalive {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** Ten seconds: sooner takes a busy coordinator for a dead one, later leaves the host without orders. */
const KEEPALIVE: Keepalive = { intervalMs: 5_000, timeoutMs: 5_000 };

/** Deadline of a call that names none. */
const CALL_TIMEOUT_MS = 30_000;

/** What may be on its way to us unread. HTTP/2's own 64 kB make a list of 40 MB hundreds of round trips. */
const RECEIVE_WINDOW_BYTES = 4 * 1024 * 1024;

const channelOptions = {
  "grpc-node.flow_control_window": RECEIVE_WINDOW_BYTES,
  "grpc.max_receive_message_length": RESPONSE_BYTES_MAX,
  "grpc.max_send_message_length": -1,
  "grpc.keepalive_permit_without_calls": 1,
  // Two clients of one process may have different identities.
  "grpc.use_local_subchannel_pool": 1,
  // A proxy that is set for downloads is not the way to the coordinator.
  "grpc.enable_http_proxy": 0,
  // Whether a call may be repeated is known to its caller.
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
  "grpc.enable_channelz": 0,
} as const;

/** TLS wants a name and an address may be a number. Which coordinator it is, is in the certificate's role. */
const SERVER_NAME = "coordinator.muster";

export interface ConnectOptions {
  /** Tried in order; see parseRpcAddress. */
  readonly addresses: readonly string[];
  /** Needed for https addresses. */
  readonly trust?: ClientTrust;
  /** For each address. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly keepalive?: Keepalive;
}

export interface CallOptions {
  readonly timeoutMs?: number;
  /** Called before the answer is given, for everything that was said beside it. */
  readonly onNote?: (name: string, value: string) => void;
  readonly signal?: AbortSignal;
}

/** Throws `unreachable` with a reason for every address, or the signal's reason. */
export async function connect(options: ConnectOptions): Promise<RpcClient> {
  const reasons: string[] = [];
  for (const text of options.addresses) {
    options.signal?.throwIfAborted();
    const address = parseRpcAddress(text);
    const client = new RpcClient(address, options);
    const dial = await client.dial(options.timeoutMs, options.signal);
    if (dial === "ready") return client;
    client.close();
    options.signal?.throwIfAborted();
    // Looking closer costs a coordinator that is too busy to answer another connection, and would learn no more.
    const reason =
      dial === "late" ? "no answer" : await diagnose(address, options.trust, options.timeoutMs);
    reasons.push(`${renderRpcAddress(address)}: ${reason}`);
  }
  if (reasons.length === 0)
    throw new MusterError("invalid", "no address of a coordinator was given");
  throw new MusterError("unreachable", "the coordinator cannot be reached", { reasons });
}

export class RpcClient implements Disposable {
  readonly address: string;
  readonly #client: Client;

  constructor(
    address: RpcAddress,
    { trust, keepalive = KEEPALIVE }: Pick<ConnectOptions, "trust" | "keepalive">,
  ) {
    this.address = renderRpcAddress(address);
    const options = {
      ...channelOptions,
      "grpc.default_authority": SERVER_NAME,
      "grpc.keepalive_time_ms": keepalive.intervalMs,
      "grpc.keepalive_timeout_ms": keepalive.timeoutMs,
    };
    if (address.kind === "unix") {
      this.#client = new Client(`unix:${address.path}`, credentials.createInsecure(), options);
      return;
    }
    const host = address.host.includes(":") ? `[${address.host}]` : address.host;
    this.#client = new Client(`dns:${host}:${String(address.port)}`, tlsCredentials(trust), {
      ...options,
      "grpc.ssl_target_name_override": SERVER_NAME,
    });
  }

  /** "failed" at the first failure, "late" when the time is over. */
  async dial(timeoutMs: number, signal?: AbortSignal): Promise<"ready" | "failed" | "late"> {
    const deadline = new Date(Date.now() + timeoutMs);
    const channel = this.#client.getChannel();
    for (;;) {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) return "ready";
      if (state === connectivityState.TRANSIENT_FAILURE || signal?.aborted === true)
        return "failed";
      const isOver = await new Promise<boolean>((resolve) => {
        const abort = (): void => {
          resolve(true);
        };
        signal?.addEventListener("abort", abort, { once: true });
        channel.watchConnectivityState(state, deadline, (error) => {
          signal?.removeEventListener("abort", abort);
          resolve(error !== undefined);
        });
      });
      if (isOver) return "late";
    }
  }

  async unary<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): Promise<Response> {
    const { signal } = options;
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        call.cancel();
      };
      const deadline = Date.now() + (options.timeoutMs ?? CALL_TIMEOUT_MS);
      const call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        new Metadata(),
        { deadline },
        (error, response) => {
          signal?.removeEventListener("abort", abort);
          if (error !== null) reject(decodeError(error, this.#doing(method.path)));
          else if (response === undefined)
            reject(new MusterError("internal", `${method.path} gave no answer`));
          else resolve(response);
        },
      );
      signal?.addEventListener("abort", abort, { once: true });
      call.once("status", ({ metadata }) => {
        for (const [name, value] of Object.entries(metadata.getMap())) {
          if (typeof value === "string") options.onNote?.(name, value);
        }
      });
    });
  }

  /** Ends when the server ends it or the signal aborts; throws a MusterError when it broke. */
  async *watch<Request, Response>(
    method: WatchMethod<Request, Response>,
    request: Request,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Response, void, undefined> {
    const { signal } = options;
    const isAborted = (): boolean => signal?.aborted === true;
    if (isAborted()) return;
    const call = this.#client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new Metadata(),
    );
    const abort = (): void => {
      call.cancel();
    };
    signal?.addEventListener("abort", abort, { once: true });
    // The loop below hears of errors itself; this one is for the echo of our own cancelling, after it ended.
    call.on("error", abort);
    try {
      for await (const response of call) yield response as Response;
    } catch (error) {
      if (isAborted()) return;
      throw decodeThrown(error, this.#doing(method.path));
    } finally {
      signal?.removeEventListener("abort", abort);
      call.cancel();
    }
  }

  /** The stream ends with the signal, the link's close, or the server's. */
  open<Request, Response>(
    method: StreamMethod<Request, Response>,
    options: { readonly signal?: AbortSignal } = {},
  ): Link<Request, Response> {
    const asIs = (bytes: Buffer): Buffer => bytes;
    const call = this.#client.makeBidiStreamRequest(method.path, asIs, asIs, new Metadata());
    const abort = (): void => {
      call.cancel();
    };
    options.signal?.addEventListener("abort", abort, { once: true });
    call.once("status", () => options.signal?.removeEventListener("abort", abort));
    if (options.signal?.aborted === true) abort();
    const link = linkOfClientCall(call, { doing: this.#doing(method.path) });
    return mapLink(link, { encode: method.requestSerialize, decode: method.responseDeserialize });
  }

  /** Breaks off what still runs. */
  close(): void {
    this.#client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #doing(path: string): string {
    return `${path.replace("/muster.v1.", "")} at ${this.address}`;
  }
}

function tlsCredentials(trust: ClientTrust | undefined): ChannelCredentials {
  if (trust === undefined) {
    throw new MusterError("unauthenticated", "an https address needs the cluster's authority", {
      hint: "join the host first, or name a directory with a certificate",
    });
  }
  const { authority, identity } = trust;
  const own =
    identity === undefined ? {} : { key: identity.privateKey, cert: identity.certificate };
  const context = createSecureContext({ ca: authority, minVersion: TLS_VERSION_MIN, ...own });
  return credentials.createFromSecureContext(context, {
    checkServerIdentity: (_name, certificate) =>
      coordinatorProblem(certificate.subjectaltname, trust),
  });
}
