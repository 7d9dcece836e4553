/**
 * A gRPC server for one way in. Each listener has its own, because how a call came in decides what its peer may
 * be: see peer.ts. Connections are accepted by our own listeners and injected, so one TLS port can serve peers
 * with and without a certificate, tell other protocols what they met, and be closed for good.
 */
import { Server, ServerCredentials, type ConnectionInjector } from "@grpc/grpc-js";
import type { Logger } from "../log.ts";
import type { PeerOf } from "./peer.ts";
import type { BoundMethod, RpcService } from "./service.ts";
import { streamCall, watchCall } from "./stream.ts";
import { unaryCall, type CallEnvironment } from "./unary.ts";

/**
 * Largest request. A full report of a host with 1,000 VMs is 50 kB and the largest request of a person one spec;
 * much lower would cut hosts off, much higher lets one peer fill our memory.
 */
export const REQUEST_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Calls at once on one connection. An agent holds one session and one stream per open console; a web server in
 * front of many people still fits.
 */
const CALLS_PER_CONNECTION_MAX = 256;

/**
 * A peer that vanished without a word is forgotten after the sum of both. Agents' heartbeats tell much sooner, so this is
 * for people's programs only; more often, and thousands of quiet agents would be pinged all the time.
 */
const KEEPALIVE_TIME_MS = 60_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;

/** A connection without calls is closed; programs that stay open a new one when they need it. */
const IDLE_CONNECTION_MS = 5 * 60_000;

const serverOptions = {
  "grpc.max_receive_message_length": REQUEST_BYTES_MAX,
  // Answers are as large as the cluster; it is the asker's limit that counts.
  "grpc.max_send_message_length": -1,
  "grpc.max_concurrent_streams": CALLS_PER_CONNECTION_MAX,
  "grpc.keepalive_time_ms": KEEPALIVE_TIME_MS,
  "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
  "grpc.max_connection_idle_ms": IDLE_CONNECTION_MS,
  "grpc.enable_channelz": 0,
} as const;

export interface InjectedServerParts {
  readonly services: readonly RpcService[];
  readonly peerOf: PeerOf;
  readonly logger: Logger;
}

/** Where accepted connections go. */
export function createInjectedServer(parts: InjectedServerParts): ConnectionInjector {
  const server = new Server(serverOptions);
  const environment = { peerOf: parts.peerOf, logger: parts.logger };
  for (const service of parts.services) {
    for (const method of service.methods) register(server, environment, method);
  }
  return server.createConnectionInjector(ServerCredentials.createInsecure());
}

const asIs = (bytes: Buffer): Buffer => bytes;

function register(server: Server, environment: CallEnvironment, method: BoundMethod): void {
  const { path } = method;
  switch (method.kind) {
    case "unary":
      server.register(path, unaryCall(environment, path, method.answer), asIs, asIs, "unary");
      return;
    case "watch":
      server.register(
        path,
        watchCall(environment, path, method.answer),
        asIs,
        asIs,
        "serverStream",
      );
      return;
    case "stream":
      server.register(path, streamCall(environment, path, method.answer), asIs, asIs, "bidi");
      return;
  }
}
