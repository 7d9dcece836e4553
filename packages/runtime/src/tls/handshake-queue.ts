/**
 * Lets only so many connections shake hands at once. When a thousand agents come back together, handshakes that all
 * go on at once all end at the same late moment, after their agents have given up and begun another one. The newest
 * goes first, because who has waited long is about to give up; who has waited too long is turned away unserved.
 */
export interface HandshakeLimits {
  /** Enough to keep one core busy while bytes travel; more only makes each of them slower. */
  readonly atOnceMax: number;
  /** How long a connection waits for its turn. As long as agents wait for a dial: later it is for nothing. */
  readonly waitMs: number;
}

/** What the queue needs of a TCP or TLS socket. */
export interface HandshakeSocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  once(event: "close", listener: () => void): unknown;
  destroy(): unknown;
}

export const HANDSHAKE_LIMITS: HandshakeLimits = { atOnceMax: 32, waitMs: 5_000 };

interface Waiting {
  readonly socket: HandshakeSocket;
  readonly begin: () => void;
  readonly timer: NodeJS.Timeout;
}

export class HandshakeQueue {
  readonly #limits: HandshakeLimits;
  readonly #underWay = new Set<string>();
  readonly #waiting: Waiting[] = [];

  constructor(limits: HandshakeLimits = HANDSHAKE_LIMITS) {
    this.#limits = limits;
  }

  /** `begin` is called when it is this connection's turn; call `done` with any socket of it when it is over. */
  enter(socket: HandshakeSocket, begin: () => void): void {
    const name = nameOf(socket);
    socket.once("close", () => {
      this.#forget(socket);
      this.#done(name);
    });
    const timer = setTimeout(() => socket.destroy(), this.#limits.waitMs);
    this.#waiting.push({ socket, begin, timer });
    this.#next();
  }

  /** The handshake has succeeded or failed. Calling it again does nothing. */
  done(socket: HandshakeSocket): void {
    this.#done(nameOf(socket));
  }

  #done(name: string): void {
    if (this.#underWay.delete(name)) this.#next();
  }

  #forget(socket: HandshakeSocket): void {
    const index = this.#waiting.findIndex((each) => each.socket === socket);
    const [waiting] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (waiting !== undefined) clearTimeout(waiting.timer);
  }

  #next(): void {
    while (this.#underWay.size < this.#limits.atOnceMax) {
      const newest = this.#waiting.pop();
      if (newest === undefined) return;
      clearTimeout(newest.timer);
      this.#underWay.add(nameOf(newest.socket));
      newest.begin();
    }
  }
}

/** A TLS socket and the TCP socket under it have the same. */
const nameOf = (socket: HandshakeSocket): string =>
  `${socket.remoteAddress ?? ""} ${String(socket.remotePort ?? "")}`;
