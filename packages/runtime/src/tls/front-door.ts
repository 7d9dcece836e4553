/**
 * Accepts TCP connections for one TLS port and lets in those that complete a TLS 1.3 handshake and speak the
 * wanted protocol. Everyone else gets a clear answer where one can be understood, and is gone soon: strangers can
 * neither keep a connection open nor fill the port.
 */
import { createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { MusterError } from "@muster/model";
import type { Logger } from "../log.ts";
import { HandshakeQueue } from "./handshake-queue.ts";
import { TLS_VERSION_MIN, type TlsIdentity } from "./identity.ts";
import { closeServer, SocketSet } from "./socket-set.ts";

export interface FrontDoorLimits {
  /** Open connections, handshakes included. 2,500 hosts, their consoles, people; each costs about 100 kB. */
  readonly connectionsMax: number;
  /**
   * Connections without a valid certificate of our authority: machines that enrol, and strangers. Too low and a
   * rack that joins at once has to retry; too high and strangers hold our memory.
   */
  readonly strangersMax: number;
  /** How long such a connection may last; enrolling is one call. */
  readonly strangerLifeMs: number;
  /**
   * From the first byte to the end of the handshake. A thousand agents that return at once wait for seconds while
   * one core does the handshakes.
   */
  readonly handshakeMs: number;
}

export const FRONT_DOOR_LIMITS: FrontDoorLimits = {
  connectionsMax: 10_000,
  strangersMax: 256,
  strangerLifeMs: 60_000,
  handshakeMs: 20_000,
};

export interface FrontDoorOptions {
  readonly host: string;
  readonly port: number;
  readonly identity: TlsIdentity;
  /** ALPN name of the wanted protocol, "h2". */
  readonly protocol: string;
  /** One line for a peer that speaks something else: "this port speaks gRPC over TLS". */
  readonly explanation: string;
  readonly onConnection: (socket: TLSSocket) => void;
  readonly logger: Logger;
  readonly limits?: Partial<FrontDoorLimits>;
}

export interface FrontDoor {
  readonly port: number;
  /** For connections from now on; those that are open stay as they are. */
  useIdentity(identity: TlsIdentity): void;
  /** No new connections. */
  stopListening(): Promise<void>;
  /** True when all connections ended by themselves within the time. */
  emptied(timeoutMs: number): Promise<boolean>;
  /** Cuts every connection off. */
  close(): Promise<void>;
}

/** First byte of a TLS record that carries a handshake. */
const TLS_HANDSHAKE_BYTE = 0x16;

export async function openFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const limits: FrontDoorLimits = { ...FRONT_DOOR_LIMITS, ...options.limits };
  const { logger } = options;
  const sockets = new SocketSet();
  const handshakes = new HandshakeQueue();
  const receive = createReceiver(options, limits);
  const tlsServer = createTlsServer(
    {
      ...contextOf(options.identity),
      minVersion: TLS_VERSION_MIN,
      requestCert: true,
      // Who may do what is decided by our own code; here a peer only proves which key it owns.
      rejectUnauthorized: false,
      handshakeTimeout: limits.handshakeMs,
      // The second is there so that browsers and curl get as far as reading our explanation.
      ALPNProtocols: [options.protocol, "http/1.1"],
      sessionIdContext: "muster",
    },
    (socket) => {
      handshakes.done(socket);
      receive(socket);
    },
  );
  tlsServer.on("tlsClientError", (error, socket) => {
    handshakes.done(socket);
    logger.debug({ err: error, address: socket.remoteAddress }, "tls handshake failed");
    socket.destroy();
  });
  const tcpServer = createTcpServer({ noDelay: true, keepAlive: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", (error) => {
      logger.debug({ err: error, address: socket.remoteAddress }, "connection broke");
    });
    greet(socket, options.explanation, limits.handshakeMs, () => {
      handshakes.enter(socket, () => tlsServer.emit("connection", socket));
    });
  });
  tcpServer.maxConnections = limits.connectionsMax;
  tcpServer.on("drop", (dropped) => {
    logger.warn(
      { address: dropped?.remoteAddress, why: "too many connections" },
      "connection refused",
    );
  });
  const port = await listening(tcpServer, options);
  return {
    port,
    useIdentity: (identity) => {
      tlsServer.setSecureContext({ ...contextOf(identity), minVersion: TLS_VERSION_MIN });
    },
    stopListening: async () => closeServer(tcpServer),
    emptied: async (timeoutMs) => sockets.emptied(timeoutMs),
    close: async () => {
      sockets.destroyAll();
      await closeServer(tcpServer);
    },
  };
}

function contextOf(identity: TlsIdentity): { key: string; cert: string; ca: string } {
  return { key: identity.privateKey, cert: identity.certificate, ca: identity.authority };
}

/** Looks at the first byte, then passes the connection on or answers in the clear that it should be TLS. */
function greet(socket: Socket, explanation: string, patienceMs: number, passOn: () => void): void {
  const patience = setTimeout(() => socket.destroy(), patienceMs);
  socket.once("close", () => {
    clearTimeout(patience);
  });
  const look = (): void => {
    const first: unknown = socket.read(1);
    // The other side closed without a word; "end" follows.
    if (!Buffer.isBuffer(first)) {
      socket.once("readable", look);
      return;
    }
    clearTimeout(patience);
    if (first[0] !== TLS_HANDSHAKE_BYTE) {
      explain(socket, explanation);
      return;
    }
    socket.unshift(first);
    passOn();
  };
  socket.once("readable", look);
}

/** Decides what becomes of a finished handshake. */
function createReceiver(
  options: FrontDoorOptions,
  limits: FrontDoorLimits,
): (socket: TLSSocket) => void {
  let strangers = 0;
  return (socket) => {
    socket.on("error", (error) => {
      options.logger.debug({ err: error, address: socket.remoteAddress }, "tls connection broke");
    });
    if (!socket.authorized) {
      if (strangers >= limits.strangersMax) {
        const why = "too many connections without a valid certificate";
        options.logger.warn({ address: socket.remoteAddress, why }, "connection refused");
        socket.destroy();
        return;
      }
      strangers += 1;
      const life = setTimeout(() => socket.destroy(), limits.strangerLifeMs);
      socket.once("close", () => {
        strangers -= 1;
        clearTimeout(life);
      });
    }
    if (socket.alpnProtocol === options.protocol) options.onConnection(socket);
    else explain(socket, options.explanation);
  };
}

/** Understood by HTTP/1 programs, and readable for people with netcat. */
function explain(socket: Socket, explanation: string): void {
  const body = `${explanation}\n`;
  const head = [
    "HTTP/1.1 400 Bad Request",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${String(Buffer.byteLength(body))}`,
    "Connection: close",
  ];
  // What the peer still sends is read and dropped: closing with unread data would reset the connection, and the
  // reset may overtake the answer.
  socket.resume();
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  const lingerMs = 1_000;
  const linger = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => {
    clearTimeout(linger);
  });
}

async function listening(
  server: ReturnType<typeof createTcpServer>,
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
