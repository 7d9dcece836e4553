/** Who is at the other end of a connection, as far as the connection itself can tell. */
import { MusterError } from "@muster/model";

/**
 * local: a program on this machine that may open our socket. none: TLS without a client certificate.
 * certificate: TLS, and the peer proved to own the key of this certificate. Nothing more has been checked: who
 * signed it, whether it has expired or was superseded is for the authority's own code to decide.
 */
export type Peer =
  | { readonly kind: "local" }
  | { readonly kind: "none"; readonly address: string }
  | { readonly kind: "certificate"; readonly der: Uint8Array; readonly address: string };

/** What every kind of call can say of itself. */
export interface AnyCall {
  getPeer(): string;
  getAuthContext(): {
    readonly transportSecurityType?: string;
    readonly sslPeerCertificate?: { readonly raw: Buffer };
  };
  getDeadline(): Date | number;
  once(event: "cancelled", listener: () => void): unknown;
}

/** How a listener tells who calls. */
export type PeerOf = (call: AnyCall) => Peer;

/** Only for servers that listen on nothing but a unix socket. */
export const localPeer: PeerOf = () => ({ kind: "local" });

/**
 * Only for servers that listen on nothing but TLS. The certificate comes from the call's own connection. A
 * connection that is gone no longer says what it was, so its calls are refused, never taken for anonymous ones.
 */
export const tlsPeer: PeerOf = (call) => {
  const address = call.getPeer();
  const context = authContextOf(call);
  if (context?.transportSecurityType !== "ssl") {
    throw new MusterError("unreachable", `the connection from ${address} was lost`);
  }
  const der = context.sslPeerCertificate?.raw;
  return der === undefined ? { kind: "none", address } : { kind: "certificate", der, address };
};

/** Undefined when the connection closed so far that even asking fails. */
function authContextOf(call: AnyCall): ReturnType<AnyCall["getAuthContext"]> | undefined {
  try {
    return call.getAuthContext();
  } catch {
    // Node takes the socket apart in steps; in between, grpc-js reads properties of nothing.
    return undefined;
  }
}
