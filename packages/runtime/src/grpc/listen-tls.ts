/**
 * gRPC on one TLS port for everybody: machines that enrol and have no certificate yet, agents, operators, renewals
 * with an expired certificate. The listener only establishes which certificate a peer owns the key of; every
 * call's handler decides what that is worth.
 */
import type { Logger } from "../log.ts";
import { openFrontDoor, type FrontDoorLimits } from "../tls/front-door.ts";
import type { TlsIdentity } from "../tls/identity.ts";
import type { RpcListener } from "./listen-local.ts";
import { tlsPeer } from "./peer.ts";
import { createInjectedServer } from "./server.ts";
import type { RpcService } from "./service.ts";

export interface TlsListenerOptions {
  /** Address to bind, "0.0.0.0" or "::" for all. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly identity: TlsIdentity;
  readonly services: readonly RpcService[];
  readonly logger: Logger;
  readonly limits?: Partial<FrontDoorLimits>;
}

export interface TlsRpcListener extends RpcListener {
  /** Replaces a renewed certificate without touching open connections. */
  useIdentity(identity: TlsIdentity): void;
}

export async function listenTls(options: TlsListenerOptions): Promise<TlsRpcListener> {
  const { host, logger, services } = options;
  const injector = createInjectedServer({ services, peerOf: tlsPeer, logger });
  const door = await openFrontDoor({
    ...options,
    protocol: "h2",
    explanation: "this port speaks gRPC over TLS; use muster or muster-agent",
    onConnection: (socket) => {
      // grpc-js shows a call's certificate only when this flag is set; without it, expired certificates and
      // their renewal could not be told from no certificate. The flag means nothing to us: see peer.ts.
      socket.authorized = true;
      injector.injectConnection(socket);
    },
  });
  const close = async (): Promise<void> => {
    await door.close();
    injector.destroy();
  };
  const shownHost = host.includes(":") ? `[${host}]` : host;
  return {
    address: `https://${shownHost}:${String(door.port)}`,
    port: door.port,
    useIdentity: (identity) => {
      door.useIdentity(identity);
    },
    async drain(graceMs) {
      const stopped = door.stopListening();
      injector.drain(graceMs);
      await door.emptied(graceMs);
      await close();
      await stopped;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
