/** Recorded conversations with real libvirtd: replayed, and every truncation of every answer. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { Connection, decodeWhole } from "../src/connection.ts";
import { connect } from "../src/index.ts";
import {
  CallTimeoutError,
  ConnectionLostError,
  LibvirtError,
  ProtocolError,
} from "../src/errors.ts";
import { procedureOfPacket } from "./hostile.ts";
import { error as errorStruct } from "../src/protocol/generated/structures.ts";
import { exchangesOf, replay, type Recording } from "./conversation.ts";
import { scripts } from "./golden-scripts.ts";
import { transportOf } from "../src/transport/transport.ts";
import { HEADER_BYTES, packetStatus, readPacket, type Packet } from "../src/wire/packet.ts";
import { Reader } from "../src/xdr/reader.ts";

const directory = join(import.meta.dirname, "golden");
const recordings = readdirSync(directory).map((file) => {
  const recording = JSON.parse(readFileSync(join(directory, file), "utf8")) as Recording;
  return { name: file.replace(".json", ""), recording };
});

it("has a recording of every script", () => {
  const recorded = recordings.map(({ name }) => name);
  expect(recorded.toSorted()).toEqual(Object.keys(scripts).toSorted());
});

describe.each(recordings)("golden conversation $name", ({ name, recording }) => {
  it("is repeated byte for byte and means the same", async () => {
    const target = { uri: recording.uri, dial: replay(recording) };
    const hypervisor = await connect(target, { keepalive: false, maxConnections: 1 });
    const said = await scripts[name]?.say(hypervisor);
    expect(said).toMatchSnapshot();
    await hypervisor.getLibVersion();
    await hypervisor.close();
  });

  it("breaks cleanly wherever an answer is cut", async () => {
    let cuts = 0;
    for (const { request, reply } of exchangesOf(recording)) {
      const { length } = reply.frame;
      for (let size = HEADER_BYTES; size < length; size += 1) {
        const cut = shortened(reply.frame, size);
        expect(() => decoded(request, cut)).toThrow(/bytes|length|fit/);
        cuts++;
        // The middle of a long text is much like the rest of it.
        if (size > CONNECTION_CUTS && length - size > CONNECTION_CUTS && size % 64 > 0) continue;
        const outcome = await answerWith(request, cut);
        expect(outcome instanceof ProtocolError || outcome instanceof LibvirtError).toBe(true);
      }
    }
    expect(cuts).toBeGreaterThan(300);
  });

  it("is lost cleanly when the daemon goes away in the middle of an answer", async () => {
    for (const { request, reply } of exchangesOf(recording)) {
      const { frame } = reply;
      const lengths = [0, 3, 4, 27, 28, frame.length - 1].filter((each) => each < frame.length);
      for (const length of lengths) {
        const outcome = await answerWith(request, frame.subarray(0, length), true);
        expect(outcome).toBeInstanceOf(ConnectionLostError);
      }
    }
  });
});

/** Near both ends of an answer every cut is put to a whole connection, elsewhere some. */
const CONNECTION_CUTS = 200;

/** What the decoder alone makes of an answer, an error being one. */
function decoded(request: Packet, reply: Buffer): unknown {
  const { name, procedure } = procedureOfPacket(request);
  const isError = readPacket(reply).status === packetStatus.error;
  return decodeWhole(isError ? errorStruct : procedure.ret, new Reader(reply, HEADER_BYTES), name);
}

/** The first bytes of a packet, with a header that says there are no more. */
function shortened(whole: Buffer, length: number): Buffer {
  const part = Buffer.from(whole.subarray(0, length));
  part.writeUInt32BE(length, 0);
  return part;
}

/** What a caller of `request` gets if the daemon answers with these bytes. */
async function answerWith(request: Packet, bytes: Buffer, ends = false): Promise<unknown> {
  const { name, procedure } = procedureOfPacket(request);
  const transport = new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, done) => done(),
  });
  const connection = new Connection(transportOf(transport), { maxInFlight: 4 });
  const args = procedure.args.decode(new Reader(request.frame, HEADER_BYTES));
  const answer = connection.call(name, procedure, args as never, { timeoutMs: 2_000 }).then(
    () => undefined,
    (error: unknown) => error,
  );
  const reply = Buffer.from(bytes);
  if (reply.length >= 24) reply.writeUInt32BE(1, 20);
  transport.push(reply);
  if (ends) transport.push(null);
  const outcome = await answer;
  connection.destroy();
  return outcome instanceof CallTimeoutError ? "hung" : outcome;
}
