/** Recorded conversations with real libvirtd: replayed, and every truncation of every answer. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { Connection } from "../src/connection.ts";
import { connect } from "../src/index.ts";
import {
  CallTimeoutError,
  ConnectionLostError,
  LibvirtError,
  ProtocolError,
} from "../src/errors.ts";
import { procedureOfPacket } from "./hostile.ts";
import { replay, scripts, type Recording } from "./conversation.ts";
import { transportOf } from "../src/transport/transport.ts";
import { HEADER_BYTES, readPacket } from "../src/wire/packet.ts";
import { Reader } from "../src/xdr/reader.ts";

const directory = join(import.meta.dirname, "golden");
const recordings = readdirSync(directory).map((file) => {
  const recording = JSON.parse(readFileSync(join(directory, file), "utf8")) as Recording;
  return { name: file.replace(".json", ""), recording };
});

describe.each(recordings)("golden conversation $name", ({ name, recording }) => {
  it("is repeated byte for byte and means the same", async () => {
    const target = { uri: recording.uri, dial: () => Promise.resolve(replay(recording)) };
    const hypervisor = await connect(target, { keepalive: false, maxConnections: 1 });
    const said = await scripts[name]?.(hypervisor);
    expect(said).toMatchSnapshot();
    await hypervisor.getLibVersion();
    await hypervisor.close();
  });

  it("breaks cleanly wherever an answer is cut", async () => {
    let cuts = 0;
    for (const { sent, received } of recording.turns) {
      const request = readPacket(Buffer.from(sent, "hex"));
      for (const hex of received) {
        const whole = Buffer.from(hex, "hex");
        const reply = readPacket(whole);
        if (reply.serial !== request.serial) continue;
        for (let length = HEADER_BYTES; length < whole.length; length += 1) {
          const outcome = await answerWith(request, shortened(whole, length));
          expect(outcome instanceof ProtocolError || outcome instanceof LibvirtError).toBe(true);
          cuts++;
        }
      }
    }
    expect(cuts).toBeGreaterThan(500);
  });

  it("is lost cleanly when the daemon goes away in the middle of an answer", async () => {
    for (const { sent, received } of recording.turns) {
      const request = readPacket(Buffer.from(sent, "hex"));
      const reply = received
        .map((hex) => Buffer.from(hex, "hex"))
        .find((frame) => readPacket(frame).serial === request.serial);
      if (!reply) continue;
      const lengths = [0, 3, 4, 27, 28, reply.length - 1].filter((each) => each < reply.length);
      for (const length of lengths) {
        const outcome = await answerWith(request, reply.subarray(0, length), true);
        expect(outcome).toBeInstanceOf(ConnectionLostError);
      }
    }
  });
});

/** The first bytes of a packet, with a header that says there are no more. */
function shortened(whole: Buffer, length: number): Buffer {
  const part = Buffer.from(whole.subarray(0, length));
  part.writeUInt32BE(length, 0);
  return part;
}

/** What a caller of `request` gets if the daemon answers with these bytes. */
async function answerWith(
  request: ReturnType<typeof readPacket>,
  bytes: Buffer,
  ends = false,
): Promise<unknown> {
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
