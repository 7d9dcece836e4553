/**
 * Gives images to other hosts: over TLS, to certificates of hosts of this cluster, and only what the coordinator has
 * told this host to offer, for as long as it said (S6: a removed host gets no ticket).
 */
import { createReadStream } from "node:fs";
import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { isDigest, MusterError, type ImageDigest } from "@muster/model";
import { subjectOfNames, type Log, type TlsIdentity } from "@muster/runtime";
import type { FileImageCache } from "./file-image-cache.ts";
import { PIECE_BYTES } from "./hashing-file.ts";

export interface ImageServer extends AsyncDisposable {
  readonly port: number;
  /** After a renewal. */
  useIdentity(identity: TlsIdentity): void;
}

/** Hosts that read at once; more share too little bandwidth to be worth it, and ask elsewhere or again. */
const CONNECTIONS_MAX = 64;
/** A host that reads nothing for so long is gone. */
const SILENCE_MS = 60_000;

export async function serveImages(parts: {
  readonly cache: FileImageCache;
  readonly host: string;
  readonly port: number;
  readonly identity: TlsIdentity;
  readonly log: Log;
}): Promise<ImageServer> {
  const { cache, log } = parts;
  const server = createServer(
    { ...tlsOf(parts.identity), requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      answer(request, response, cache);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.timeout = SILENCE_MS;
  server.on("tlsClientError", (error) => {
    log.warn({ err: error }, "a connection to the image server was refused");
  });
  const port = await listening(server, parts);
  return {
    port,
    useIdentity: (identity) => {
      server.setSecureContext(tlsOf(identity));
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const tlsOf = ({ privateKey, certificate, authority }: TlsIdentity) => ({
  key: privateKey,
  cert: certificate,
  ca: authority,
  minVersion: "TLSv1.3" as const,
});

function answer(request: IncomingMessage, response: ServerResponse, cache: FileImageCache): void {
  const digest = /^\/images\/([0-9a-f]{64})$/.exec(request.url ?? "")?.[1];
  const peer = (request.socket as TLSSocket).getPeerCertificate();
  const ticket = /^Muster ([\w-]{1,128})$/.exec(request.headers.authorization ?? "")?.[1];
  if (subjectOfNames(peer.subjectaltname)?.role !== "host")
    return refuse(response, 403, "not a host");
  if (request.method !== "GET" || digest === undefined || !isDigest(digest)) {
    return refuse(response, 404, "no such thing");
  }
  if (ticket === undefined || !cache.tickets.allows(ticket, digest)) {
    return refuse(response, 403, "no valid ticket for this image");
  }
  send(request, response, { cache, digest });
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${why}\n`);
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { cache, digest }: { readonly cache: FileImageCache; readonly digest: ImageDigest },
): void {
  const file = cache.find(digest);
  if (file === undefined) return refuse(response, 404, "not here any more");
  const total = Number(file.sizeBytes);
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (start >= total && start > 0) {
    response.writeHead(416, { "content-range": `bytes */${String(total)}` });
    response.end();
    return;
  }
  response.writeHead(start === 0 ? 200 : 206, {
    "content-type": "application/octet-stream",
    "content-length": total - start,
    "accept-ranges": "bytes",
    etag: `"${digest}"`,
    ...(start === 0
      ? {}
      : { "content-range": `bytes ${String(start)}-${String(total - 1)}/${String(total)}` }),
  });
  const stream = createReadStream(file.path, { start, highWaterMark: PIECE_BYTES });
  stream.on("data", (piece) => {
    cache.served(piece.length);
  });
  // The other side notices that bytes are missing, and goes on from there.
  stream.once("error", () => response.destroy());
  response.once("close", () => stream.destroy());
  stream.pipe(response);
}

async function listening(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `failed to listen on ${host} port ${String(port)} for images`;
      reject(new MusterError("wrong-state", message, { cause }));
    });
    server.listen({ host, port }, resolve);
  });
  const bound = server.address();
  return bound !== null && typeof bound === "object" ? bound.port : port;
}
