/** The connections one listener holds, so that closing it really ends them. */
import type { Server, Socket } from "node:net";

export class SocketSet {
  readonly #sockets = new Set<Socket>();
  #whenEmpty: (() => void) | undefined;

  get size(): number {
    return this.#sockets.size;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#whenEmpty?.();
    });
  }

  /** True when all connections ended by themselves within the time. */
  async emptied(timeoutMs: number): Promise<boolean> {
    if (this.#sockets.size === 0) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#whenEmpty = undefined;
        resolve(false);
      }, timeoutMs);
      this.#whenEmpty = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Stops accepting; resolves when every connection the server itself counts is gone. */
export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
