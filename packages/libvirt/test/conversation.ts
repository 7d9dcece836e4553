/** Conversations with a daemon as bytes: recorded from a real one, replayed to our client. */
import { Duplex } from "node:stream";
import { PacketDecoder } from "../src/wire/packet-decoder.ts";
import { packetType, readPacket, type Packet } from "../src/wire/packet.ts";

/** One packet of ours and what the daemon sent before our next one, in hex. */
export interface Turn {
  readonly sent: string;
  readonly received: readonly string[];
}

export interface Recording {
  readonly uri: string;
  readonly libvirt: string;
  /** In the order in which they were opened: long operations and streams have one of their own. */
  readonly connections: readonly (readonly Turn[])[];
}

/** A call and the daemon's answer to it. */
export interface Exchange {
  readonly request: Packet;
  readonly reply: Packet;
}

/** All answered calls of a recording; packets of streams and events are neither. */
export function exchangesOf({ connections }: Recording): readonly Exchange[] {
  return connections.flat().flatMap(({ sent, received }) => {
    const request = readPacket(Buffer.from(sent, "hex"));
    if (request.type !== packetType.call) return [];
    const packets = received.map((hex) => readPacket(Buffer.from(hex, "hex")));
    const reply = packets.find(
      ({ serial, type }) => serial === request.serial && type === packetType.reply,
    );
    return reply ? [{ request, reply }] : [];
  });
}

/** Passes everything on, and remembers it. */
export class Recorder {
  readonly #connections: { sent: string; received: string[] }[][] = [];

  get connections(): readonly (readonly Turn[])[] {
    return this.#connections;
  }

  wrap(real: Duplex): Duplex {
    const outward = new PacketDecoder();
    const inward = new PacketDecoder();
    const turns: { sent: string; received: string[] }[] = [];
    this.#connections.push(turns);
    const client = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        outward.push(chunk, ({ frame }) =>
          turns.push({ sent: frame.toString("hex"), received: [] }),
        );
        real.write(chunk, done);
      },
      destroy: (error, done) => {
        real.destroy();
        done(error);
      },
    });
    real.on("data", (chunk: Buffer) => {
      inward.push(chunk, ({ frame }) => turns.at(-1)?.received.push(frame.toString("hex")));
      client.push(chunk);
    });
    real.on("close", () => client.destroy());
    return client;
  }
}

/** Dials a daemon that knows one conversation: each time the next connection of it. */
export function replay({ connections }: Recording): () => Promise<Duplex> {
  const left = [...connections];
  return () => {
    const turns = left.shift();
    if (!turns) return Promise.reject(new Error("the client opened one connection too many"));
    return Promise.resolve(replayConnection(turns));
  };
}

/** Ends with an error if the client says anything else. */
function replayConnection(turns: readonly Turn[]): Duplex {
  const decoder = new PacketDecoder();
  const left = [...turns];
  const server: Duplex = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      decoder.push(chunk, ({ frame }) => {
        const turn = left.shift();
        if (turn?.sent !== frame.toString("hex")) {
          server.destroy(new Error(`the client said something new: ${frame.toString("hex")}`));
        } else {
          for (const hex of turn.received) server.push(Buffer.from(hex, "hex"));
        }
      });
      done();
    },
  });
  return server;
}
