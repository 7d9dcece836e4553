import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openOnFake } from "../test/fake-stream.ts";
import { HEADER_BYTES, packetStatus, packetType } from "./wire/packet.ts";

const CHUNK = 262_120;
const MIB = 1_048_576;
const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const nothing = new Uint8Array(0);

describe("a daemon's stream as Web streams", () => {
  it("gives every byte, and takes no more than a megabyte and a bit that nobody reads", async () => {
    const { bytes, data, send, socket } = await openOnFake("storageVolDownload");
    let taken = 0;
    socket.on("data", (chunk: Buffer) => (taken += chunk.length));
    const sent = randomBytes(8 * MIB);
    for (let at = 0; at < sent.length; at += CHUNK) data(sent.subarray(at, at + CHUNK));
    data(nothing);
    const reader = bytes.toWeb().readable.getReader();
    await expect.poll(() => socket.isPaused()).toBe(true);
    await sleep(20);
    expect(taken).toBeLessThan(1.5 * MIB);
    const got: Uint8Array[] = [];
    const first = await reader.read();
    if (first.value) got.push(first.value);
    await sleep(20);
    expect(taken).toBeLessThan(2 * MIB);
    for (let next = await reader.read(); next.value; next = await reader.read())
      got.push(next.value);
    expect(sha(Buffer.concat(got))).toBe(sha(sent));
    send(packetType.stream, packetStatus.ok, nothing);
  });

  it("asks a fast writer to wait for a daemon that reads slowly", async () => {
    const { bytes, peer, socket, send } = await openOnFake("storageVolUpload");
    const writer = bytes.toWeb().writable.getWriter();
    // A daemon that reads nothing: its end of the pair is full.
    socket.cork();
    const sent = randomBytes(6 * MIB);
    const wishes: (number | null)[] = [];
    const writes: Promise<void>[] = [];
    for (let at = 0; at < sent.length; at += MIB) {
      writes.push(writer.write(sent.subarray(at, at + MIB)));
      wishes.push(writer.desiredSize);
    }
    await sleep(20);
    expect(wishes.at(-1)).toBeLessThan(0);
    expect(socket.writableLength).toBeLessThan(MIB);
    socket.uncork();
    await Promise.all(writes);
    const closed = writer.close();
    await expect.poll(() => peer.packets.at(-1)?.status).toBe(packetStatus.ok);
    send(packetType.stream, packetStatus.ok, nothing);
    await closed;
    const arrived = peer.packets.map(({ frame }) => frame.subarray(HEADER_BYTES));
    expect(sha(Buffer.concat(arrived))).toBe(sha(sent));
  });

  it("aborts in the daemon when it is cancelled or aborted", async () => {
    const down = await openOnFake("storageVolDownload");
    await down.bytes.toWeb().readable.cancel("enough");
    await expect.poll(() => down.peer.packets.at(-1)?.status).toBe(packetStatus.error);
    const up = await openOnFake("storageVolUpload");
    await up.bytes.toWeb().writable.abort(new Error("changed my mind"));
    await expect.poll(() => up.peer.packets.at(-1)?.status).toBe(packetStatus.error);
  });

  it("fails with the connection", async () => {
    const { bytes, peer } = await openOnFake("storageVolDownload");
    const read = bytes.toWeb().readable.getReader().read();
    peer.destroy();
    await expect(read).rejects.toMatchObject({ name: "ConnectionLostError" });
  });
});
