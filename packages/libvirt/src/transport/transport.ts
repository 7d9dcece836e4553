import type { Duplex } from "node:stream";

/** The byte stream under a connection. */
export interface Transport {
  /** For everything but reading. */
  readonly socket: Duplex;
  /** Says who gets the bytes. The memory of a chunk is used again unless `take` answers that it keeps some of it. */
  onChunk(take: (chunk: Buffer) => boolean): void;
}

/** Any Duplex, for example TLS or memory. */
export function transportOf(socket: Duplex): Transport {
  return { socket, onChunk: (take) => void socket.on("data", take) };
}
