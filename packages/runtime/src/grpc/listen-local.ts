/**
 * gRPC on a unix socket, in the clear: nothing leaves the machine, and the file's mode decides who may call. Every
 * peer is local.
 */
import { chmod, lstat, mkdir, unlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { dirname } from "node:path";
import { invalid, MusterError } from "@muster/model";
import type { Logger } from "../log.ts";
import { closeServer, SocketSet } from "../tls/socket-set.ts";
import { localPeer } from "./peer.ts";
import { createInjectedServer } from "./server.ts";
import type { RpcService } from "./service.ts";

export interface RpcListener extends AsyncDisposable {
  /** "unix:///run/muster/coordinator.sock" or "https://0.0.0.0:7443". */
  readonly address: string;
  /** The port that was bound; 0 for a unix socket. */
  readonly port: number;
  /** Asks peers to leave and lets running calls end; what is left after the time is cut off. */
  drain(graceMs: number): Promise<void>;
  /** Cuts every connection off. */
  close(): Promise<void>;
}

export interface LocalListenerOptions {
  /** Absolute. Its directory is created, for the owner only, when it does not exist. */
  readonly path: string;
  readonly services: readonly RpcService[];
  readonly logger: Logger;
}

/** A unix socket's name must fit sockaddr_un. */
const UNIX_PATH_BYTES_MAX = 107;
/** People and scripts on one machine; more is a loop that forgets to close. */
const LOCAL_CONNECTIONS_MAX = 1_000;

export async function listenLocal(options: LocalListenerOptions): Promise<RpcListener> {
  const { path, logger } = options;
  if (Buffer.byteLength(path) > UNIX_PATH_BYTES_MAX) {
    const limit = String(UNIX_PATH_BYTES_MAX);
    throw invalid("socket", `${path} is longer than the ${limit} bytes a unix socket may have`);
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await removeStaleSocket(path);
  const injector = createInjectedServer({ services: options.services, peerOf: localPeer, logger });
  const sockets = new SocketSet();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", (error) => {
      logger.debug({ err: error }, "local connection broke");
    });
    injector.injectConnection(socket);
  });
  server.maxConnections = LOCAL_CONNECTIONS_MAX;
  await listening(server, path);
  await chmod(path, 0o600);
  const close = async (): Promise<void> => {
    sockets.destroyAll();
    injector.destroy();
    await closeServer(server);
  };
  return {
    address: `unix://${path}`,
    port: 0,
    async drain(graceMs) {
      const closed = closeServer(server);
      injector.drain(graceMs);
      await sockets.emptied(graceMs);
      await close();
      await closed;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function listening(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new MusterError("wrong-state", `failed to listen on ${path}`, { cause }));
    });
    server.listen({ path }, resolve);
  });
}

/** A socket file outlives a killed process. One that somebody still answers on is not ours to take. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new MusterError("wrong-state", `failed to look at ${path}`, { cause: error });
  });
  if (found === undefined) return;
  if (!found.isSocket()) throw invalid("socket", `${path} exists and is not a socket`);
  if (await isAnswered(path)) {
    throw new MusterError("wrong-state", `another process listens on ${path}`, {
      hint: "stop it first, or configure another socket",
    });
  }
  await unlink(path);
}

async function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}
