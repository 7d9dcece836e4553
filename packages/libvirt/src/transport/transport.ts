import type { Duplex } from "node:stream";

/** The byte stream under a connection. */
export interface Transport {
  /** For everything but reading. */
  readonly socket: Duplex;
  /** Says who gets the bytes. A chunk is only valid during the call: its memory is used again. */
  onChunk(take: (chunk: Buffer) => void): void;
}

/** Any Duplex, for example TLS or memory. */
export function transportOf(socket: Duplex): Transport {
  return { socket, onChunk: (take) => void socket.on("data", take) };
}
