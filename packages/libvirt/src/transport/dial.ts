/** Opens the byte stream to a daemon. Everything above it only sees a Duplex. */
import { connect as connectSocket, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";

export interface UnixEndpoint {
  readonly kind: "unix";
  readonly path: string;
}

export interface TcpEndpoint {
  readonly kind: "tcp";
  readonly host: string;
  readonly port: number;
}

/** Certificates for TLS, in PEM. libvirtd demands a client certificate unless it was told not to. */
export interface TlsMaterial {
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  /** The name to look for in the daemon's certificate, if not the host's. */
  readonly serverName?: string | undefined;
}

export interface TlsEndpoint extends TlsMaterial {
  readonly kind: "tls";
  readonly host: string;
  readonly port: number;
}

export type Endpoint = UnixEndpoint | TcpEndpoint | TlsEndpoint;

/** The daemon sends this byte once it has accepted our certificate. */
const TLS_ACCEPTED = 1;

/** Connects, with TLS finished where there is any. Rejects with the socket's error or the signal's reason. */
export function dial(endpoint: Endpoint, signal: AbortSignal): Promise<Duplex> {
  switch (endpoint.kind) {
    case "unix":
      return ready(connectSocket({ path: endpoint.path }), "connect", signal);
    case "tcp":
      return ready(connectSocket({ ...endpoint, noDelay: true }), "connect", signal);
    case "tls":
      return dialTls(endpoint, signal);
  }
}

async function dialTls(endpoint: TlsEndpoint, signal: AbortSignal): Promise<Duplex> {
  const { host, port, ca, cert, key, serverName } = endpoint;
  const options: ConnectionOptions = {
    host,
    port,
    minVersion: "TLSv1.2",
    ...(serverName !== undefined && { servername: serverName }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  const socket = connectTls(options);
  await ready(socket, "secureConnect", signal);
  await certificateAccepted(socket, signal);
  return socket;
}

async function certificateAccepted(socket: TLSSocket, signal: AbortSignal): Promise<void> {
  await ready(socket, "readable", signal);
  const byte = socket.read(1) as Buffer | null;
  if (byte?.[0] !== TLS_ACCEPTED) {
    socket.destroy();
    throw new Error("the daemon refused our certificate");
  }
}

/** Waits for `event` of a socket; destroys it if something else comes first. */
function ready<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void) => {
      socket.off(event, onReady).off("error", onError).off("close", onClose);
      signal.removeEventListener("abort", onAbort);
      outcome();
    };
    const fail = (error: Error) => {
      settle(() => reject(error));
      // A late error of the dying socket has nobody left to hear it.
      socket.on("error", () => undefined).destroy();
    };
    const onReady = () => settle(() => resolve(socket));
    const onError = (error: Error) => fail(error);
    const onClose = () => fail(new Error("the daemon closed the connection during the handshake"));
    const onAbort = () => fail(signal.reason as Error);
    socket.on(event, onReady).on("error", onError).on("close", onClose);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}
