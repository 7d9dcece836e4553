/** Opens the byte stream to a daemon. */
import type { NetConnectOpts, Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { connectSocket } from "../builtins.ts";
import { DialError } from "../errors.ts";
import { transportOf, type Transport } from "./transport.ts";

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

/** Memory to read into is allocated in slabs; stream data is handed on as slices of them, without copying. */
const SLAB_BYTES = 1_048_576;

/** A slab with less room than this is given up. */
const READ_BYTES_MIN = 131_072;

const HINTS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such socket; is libvirtd (or the split daemon) running on this machine?",
  EACCES: "this user may not open the socket; is it in the group libvirt?",
  ECONNREFUSED:
    "nobody listens there; is the daemon running, and does it listen for this transport?",
  ENOTFOUND: "nobody knows that name",
};

/** Connects, with TLS finished where there is any. Rejects with DialError or the signal's reason. */
export async function dial(endpoint: Endpoint, signal: AbortSignal): Promise<Transport> {
  try {
    return await dialKind(endpoint, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const cause = error as NodeJS.ErrnoException;
    throw new DialError(cause, HINTS[cause.code ?? ""] ?? "");
  }
}

function dialKind(endpoint: Endpoint, signal: AbortSignal): Promise<Transport> {
  switch (endpoint.kind) {
    case "unix":
      return dialPlain({ path: endpoint.path }, signal);
    case "tcp":
      return dialPlain({ host: endpoint.host, port: endpoint.port, noDelay: true }, signal);
    case "tls":
      return dialTls(endpoint, signal);
  }
}

/** Reads into the same memory over and over, but for what somebody keeps. */
async function dialPlain(options: NetConnectOpts, signal: AbortSignal): Promise<Transport> {
  let take: ((chunk: Buffer) => boolean) | undefined;
  let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  let used = 0;
  const buffer = () => {
    if (slab.length - used < READ_BYTES_MIN) {
      slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      used = 0;
    }
    return slab.subarray(used);
  };
  const callback = (size: number) => {
    if (take?.(slab.subarray(used, used + size))) used += size;
    return true;
  };
  const socket = connectSocket({ ...options, onread: { buffer, callback } });
  await ready(socket, "connect", signal);
  return {
    socket,
    onChunk: (taker) => {
      take = taker;
    },
  };
}

async function dialTls(endpoint: TlsEndpoint, signal: AbortSignal): Promise<Transport> {
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
  // OpenSSL and its root certificates cost every process that loads them some megabytes.
  const tls = await import("node:tls");
  const socket = tls.connect(options);
  await ready(socket, "secureConnect", signal);
  await certificateAccepted(socket, signal);
  return transportOf(socket);
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
