import { createHash, randomBytes } from "node:crypto";
import { duplexPair } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openOnFake as open, transferArgs as args } from "../test/fake-stream.ts";
import { Connection } from "./connection.ts";
import { remoteProcedure } from "./procedures.ts";
import { transportOf } from "./transport/transport.ts";
import { packetStatus, packetType } from "./wire/packet.ts";
import { hyper, struct, uint } from "./xdr/codec.ts";
import { Writer } from "./xdr/writer.ts";

const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const nothing = new Uint8Array(0);

describe("a stream of bytes", () => {
  it("gives a slow reader every byte without gathering them", async () => {
    const { bytes, data } = await open("storageVolDownload");
    const sent = randomBytes(6 * 1_048_576);
    for (let at = 0; at < sent.length; at += 262_120) data(sent.subarray(at, at + 262_120));
    data(nothing);
    const got: Buffer[] = [];
    for await (const chunk of bytes) {
      got.push(chunk as Buffer);
      if (got.length % 16 === 0) await sleep(1);
    }
    expect(sha(Buffer.concat(got))).toBe(sha(sent));
  });

  it("reads holes as zeros, whatever their size", async () => {
    const { bytes, data, send } = await open("storageVolDownload");
    const writer = new Writer();
    struct({ length: hyper, flags: uint }).encode(writer, { length: 3_000_000n, flags: 0 });
    data(Buffer.from("a"));
    send(packetType.streamHole, packetStatus.continue, writer.finish());
    data(Buffer.from("z"));
    data(nothing);
    const all = Buffer.concat((await bytes.toArray()) as Buffer[]);
    expect(all.length).toBe(3_000_002);
    expect(all.indexOf("z")).toBe(3_000_001);
    expect(all.subarray(1, 3_000_001).every((byte) => byte === 0)).toBe(true);
  });

  it("is received into the caller's memory, holes as zeros", async () => {
    const { bytes, data, send } = await open("storageVolDownload");
    const sent = randomBytes(600_000);
    const writer = new Writer();
    struct({ length: hyper, flags: uint }).encode(writer, { length: 100_000n, flags: 0 });
    const target = Buffer.alloc(70_001, 0xff);
    const got: Buffer[] = [];
    // It waits for the first bytes, and finds the others already there.
    const first = bytes.recv(target);
    for (let at = 0; at < sent.length; at += 262_120) data(sent.subarray(at, at + 262_120));
    send(packetType.streamHole, packetStatus.continue, writer.finish());
    data(Buffer.from("z"));
    data(nothing);
    for (let size = await first; size > 0; size = await bytes.recv(target)) {
      got.push(Buffer.from(target.subarray(0, size)));
    }
    const expected = Buffer.concat([sent, Buffer.alloc(100_000), Buffer.from("z")]);
    expect(sha(Buffer.concat(got))).toBe(sha(expected));
    await expect(bytes.recv(nothing)).rejects.toThrow("room");
  });

  it("tells who receives why it broke", async () => {
    const { bytes, peer } = await open("storageVolDownload");
    bytes.on("error", () => undefined);
    const received = bytes.recv(Buffer.alloc(10));
    peer.destroy();
    await expect(received).rejects.toMatchObject({ name: "ConnectionLostError" });
  });

  it("finishes when the daemon has everything", async () => {
    const { bytes, peer, send, stream } = await open("storageVolUpload");
    let isFinished = false;
    bytes.on("finish", () => (isFinished = true));
    bytes.end(Buffer.from("all"));
    await expect
      .poll(() => peer.packets.map(({ status }) => status))
      .toEqual([packetStatus.continue, packetStatus.ok]);
    expect(isFinished).toBe(false);
    send(packetType.stream, packetStatus.ok, nothing);
    await expect.poll(() => isFinished).toBe(true);
    await stream.closed;
  });

  it("aborts in the daemon when it is destroyed", async () => {
    const { bytes, peer } = await open("storageVolDownload");
    bytes.on("error", () => undefined).destroy();
    await expect.poll(() => peer.packets.at(-1)?.status).toBe(packetStatus.error);
  });

  it("fails with the connection", async () => {
    const { bytes, peer } = await open("storageVolDownload");
    const failed = new Promise<Error>((resolve) => bytes.once("error", resolve));
    bytes.resume();
    peer.destroy();
    expect((await failed).name).toBe("ConnectionLostError");
  });

  it("is not confused by a peer that closes at once", async () => {
    const [client, server] = duplexPair();
    const connection = new Connection(transportOf(client), { maxInFlight: 4 });
    server.destroy();
    const procedure = remoteProcedure("storageVolDownload");
    const opened = connection.openStream("storageVolDownload", procedure, args);
    await expect(opened).rejects.toMatchObject({ name: "ConnectionLostError" });
  });
});
