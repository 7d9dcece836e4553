/**
 * A small web server for machines: /metrics, /sd, /healthz. In the clear only on the loopback; elsewhere over TLS
 * and only for peers whose certificate the given function accepts. Metrics of a cluster tell a lot about it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { isIPv4 } from "node:net";
import { TLSSocket, type SecureContextOptions } from "node:tls";
import { invalid, isMusterError, MusterError } from "@muster/model";
import type { Logger } from "../log.ts";
import { TLS_VERSION_MIN, type TlsIdentity } from "../tls/identity.ts";

export interface HttpReply {
  /** 200 unless given. */
  readonly status?: number;
  readonly contentType: string;
  readonly body: string;
}

export interface HttpRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  /** Aborts when the asker is gone. */
  readonly signal: AbortSignal;
}

export type HttpRoute = (request: HttpRequest) => Promise<HttpReply>;

export interface HttpTls {
  readonly identity: TlsIdentity;
  /** Why this certificate may not read, or undefined when it may. Called for every request. */
  readonly refusal: (der: Uint8Array) => string | undefined;
}

export interface HttpOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** By path, "/metrics". */
  readonly routes: ReadonlyMap<string, HttpRoute>;
  readonly logger: Pick<Logger, "error" | "debug">;
  /** Required unless the host is a loopback address. */
  readonly tls?: HttpTls;
}

export interface HttpListener extends AsyncDisposable {
  readonly port: number;
  /** "http://127.0.0.1:9464", "https://10.0.0.1:9464". */
  readonly address: string;
  /** For connections from now on. */
  useIdentity(identity: TlsIdentity): void;
  close(): Promise<void>;
}

/** Some Prometheus servers and people; each connection costs memory. */
const CONNECTIONS_MAX = 64;
/** A whole request, line and headers: they are tiny and come from the same network. */
const REQUEST_TIMEOUT_MS = 10_000;
const HEADER_BYTES_MAX = 8 * 1024;
/** Prometheus scrapes every 15 s by default and keeps its connection. */
const KEEP_ALIVE_MS = 65_000;

export async function serveHttp(options: HttpOptions): Promise<HttpListener> {
  const { host, tls } = options;
  if (tls === undefined && !isLoopback(host)) {
    const hint = "listen on 127.0.0.1, or join a cluster so that there is a certificate";
    throw invalid("listen", `${host} is not a loopback address and there is no certificate`, hint);
  }
  const server = createHttpServer(options);
  server.maxConnections = CONNECTIONS_MAX;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const port = await listening(server, options);
  const close = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
      server.closeAllConnections();
    });
  };
  const shownHost = host.includes(":") ? `[${host}]` : host;
  return {
    port,
    address: `${tls === undefined ? "http" : "https"}://${shownHost}:${String(port)}`,
    useIdentity: (identity) => {
      if ("setSecureContext" in server) server.setSecureContext(secureOptionsOf(identity));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));

function createHttpServer(options: HttpOptions): Server | TlsServer {
  const { tls, logger } = options;
  const receive = (request: IncomingMessage, response: ServerResponse): void => {
    const gone = new AbortController();
    response.once("close", () => {
      gone.abort(new Error("the asker is gone"));
    });
    answer(options, request, gone.signal).then(
      (reply) => {
        send(request, response, reply);
      },
      (error: unknown) => {
        logger.error({ err: error, path: request.url }, "request failed");
        send(request, response, text(500, "internal error; see the log of this program"));
      },
    );
  };
  if (tls === undefined) return createServer({ maxHeaderSize: HEADER_BYTES_MAX }, receive);
  const secure = {
    ...secureOptionsOf(tls.identity),
    maxHeaderSize: HEADER_BYTES_MAX,
    requestCert: true,
    // So that those who are refused are told why.
    rejectUnauthorized: false,
    handshakeTimeout: REQUEST_TIMEOUT_MS,
  };
  const server = createTlsServer(secure, receive);
  server.on("tlsClientError", (error, socket) => {
    logger.debug({ err: error, address: socket.remoteAddress }, "tls handshake failed");
    socket.destroy();
  });
  return server;
}

function secureOptionsOf(identity: TlsIdentity): SecureContextOptions {
  return {
    key: identity.privateKey,
    cert: identity.certificate,
    ca: identity.authority,
    minVersion: TLS_VERSION_MIN,
  };
}

async function answer(
  options: HttpOptions,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<HttpReply> {
  const refusal = options.tls === undefined ? undefined : refusalOf(options.tls, request);
  if (refusal !== undefined) return text(403, refusal);
  if (request.method !== "GET" && request.method !== "HEAD") {
    return text(405, "only GET is understood here");
  }
  const url = request.url ?? "/";
  if (!url.startsWith("/") || !URL.canParse(url, "http://host")) return text(400, "bad path");
  const { pathname, searchParams } = new URL(url, "http://host");
  const route = options.routes.get(pathname);
  if (route === undefined) {
    return text(404, `there is nothing here; try ${[...options.routes.keys()].join(", ")}`);
  }
  try {
    return await route({ path: pathname, query: searchParams, signal });
  } catch (error) {
    if (isMusterError(error) && error.code === "invalid") return text(400, error.message);
    throw error;
  }
}

/** The peer owns the key of the certificate it showed; what that is worth is for the given function. */
function refusalOf(tls: HttpTls, request: IncomingMessage): string | undefined {
  const { socket } = request;
  const der = socket instanceof TLSSocket ? rawCertificateOf(socket) : undefined;
  if (der === undefined) return "a client certificate of this cluster is required";
  return tls.refusal(der);
}

/** Undefined when none was shown, or the connection is already gone. */
function rawCertificateOf(socket: TLSSocket): Uint8Array | undefined {
  const certificate: { readonly raw?: Buffer } | null = socket.getPeerCertificate();
  return certificate?.raw;
}

function text(status: number, message: string): HttpReply {
  return { status, contentType: "text/plain; charset=utf-8", body: `${message}\n` };
}

function send(request: IncomingMessage, response: ServerResponse, reply: HttpReply): void {
  if (response.destroyed) return;
  // Nobody needs to send a body here; what comes is read and dropped, up to the request's time limit.
  request.resume();
  const status = reply.status ?? 200;
  const headers = {
    "content-type": reply.contentType,
    "content-length": Buffer.byteLength(reply.body),
    "cache-control": "no-store",
    ...(status === 405 ? { allow: "GET, HEAD" } : {}),
    ...(status === 200 ? {} : { connection: "close" }),
  };
  response.writeHead(status, headers);
  response.end(request.method === "HEAD" ? undefined : reply.body);
}

async function listening(
  server: Server | TlsServer,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `failed to listen on ${host} port ${String(port)}`;
      reject(new MusterError("wrong-state", message, { cause }));
    });
    server.listen({ host, port }, resolve);
  });
  const bound = server.address();
  return bound !== null && typeof bound === "object" ? bound.port : port;
}
