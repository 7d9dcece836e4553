import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { HandshakeQueue } from "./handshake-queue.ts";

let ports = 1_000;

/** Only what the queue looks at. */
class StillSocket extends EventEmitter {
  readonly remoteAddress = "192.0.2.1";
  readonly remotePort = (ports += 1);
  isDestroyed = false;

  destroy(): void {
    this.isDestroyed = true;
    this.emit("close");
  }
}

function setting(limits = { atOnceMax: 2, waitMs: 60_000 }) {
  const queue = new HandshakeQueue(limits);
  const begun: string[] = [];
  const enter = (name: string): StillSocket => {
    const socket = new StillSocket();
    queue.enter(socket, () => begun.push(name));
    return socket;
  };
  const done = (socket: StillSocket): void => {
    queue.done(socket);
  };
  return { begun, enter, done };
}

describe("the queue of handshakes", () => {
  it("lets so many begin, and the newest of those that wait when one is over", () => {
    const { begun, enter, done } = setting();
    const [first, , third] = ["a", "b", "c", "d"].map(enter);
    expect(begun).toStrictEqual(["a", "b"]);
    if (first !== undefined) done(first);
    expect(begun).toStrictEqual(["a", "b", "d"]);
    if (first !== undefined) done(first);
    expect(begun).toHaveLength(3);
    third?.destroy();
  });

  it("gives the turn on when a connection closes in the middle, and forgets one that closes while it waits", () => {
    const { begun, enter } = setting();
    const [first, , third] = ["a", "b", "c", "d"].map(enter);
    third?.destroy();
    first?.destroy();
    expect(begun).toStrictEqual(["a", "b", "d"]);
  });

  it("turns away who has waited too long", async () => {
    const { begun, enter } = setting({ atOnceMax: 1, waitMs: 5 });
    const [, second] = ["a", "b"].map(enter);
    await new Promise((resolve) => second?.once("close", resolve));
    expect(second?.isDestroyed).toBe(true);
    expect(begun).toStrictEqual(["a"]);
  });
});
