import { ByteStream } from "../src/byte-stream.ts";
import { Connection } from "../src/connection.ts";
import { remoteProcedure } from "../src/procedures.ts";
import { FakeServer, type FakeConnection } from "../src/testing/fake-server.ts";
import { transportOf } from "../src/transport/transport.ts";
import { HEADER_BYTES, packetStatus, packetType } from "../src/wire/packet.ts";

const vol = { pool: "p", name: "v", key: "k" };
export const transferArgs = { vol, offset: 0n, length: 0n, flags: 0 };

/** A stream opened on a fake daemon. */
export async function openOnFake(name: "storageVolDownload" | "storageVolUpload") {
  const server = new FakeServer().answer(name, () => ({}));
  const socket = await server.dial();
  const connection = new Connection(transportOf(socket), { maxInFlight: 4 });
  const procedure = remoteProcedure(name);
  const { stream } = await connection.openStream(name, procedure, transferArgs);
  const [peer] = server.connections as [FakeConnection];
  const base = { program: procedure.program.number, version: 1, procedure: procedure.number };
  const send = (type: number, status: number, payload: Uint8Array) => {
    const frame = Buffer.concat([Buffer.alloc(HEADER_BYTES), payload]);
    peer.send({ ...base, type, serial: stream.serial, status }, frame);
  };
  const data = (payload: Uint8Array) => send(packetType.stream, packetStatus.continue, payload);
  return { stream, bytes: new ByteStream(stream), peer, send, data, connection, socket };
}
