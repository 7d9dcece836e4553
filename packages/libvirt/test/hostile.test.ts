/**
 * A hostile daemon: recorded answers, broken in every way we know, as answers to calls of every kind.
 *
 * Only three things may happen: an answer, a LibvirtError, a ProtocolError. NODE_LIBVIRT_FUZZ sets the number.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Duplex } from "node:stream";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { connect } from "../src/connect.ts";
import { Connection } from "../src/connection.ts";
import { LibvirtError, ProtocolError } from "../src/errors.ts";
import type { Procedure } from "../src/protocol/procedure.ts";
import { FakeServer } from "../src/testing/fake-server.ts";
import { transportOf } from "../src/transport/transport.ts";
import { HEADER_BYTES, type Packet } from "../src/wire/packet.ts";
import { Reader } from "../src/xdr/reader.ts";
import { exchangesOf, type Recording } from "./conversation.ts";
import { broken, procedureOfPacket, procedures, seeded } from "./hostile.ts";

const COUNT = Number(process.env["NODE_LIBVIRT_FUZZ"] ?? 100_000);
const directory = join(import.meta.dirname, "golden");

interface Exchange {
  readonly name: string;
  readonly procedure: Procedure<never, unknown, never>;
  readonly args: never;
  readonly reply: Packet;
}

const corpus: readonly Exchange[] = readdirSync(directory).flatMap((file) => {
  const recording = JSON.parse(readFileSync(join(directory, file), "utf8")) as Recording;
  return exchangesOf(recording).map(({ request, reply }) => {
    const { name, procedure } = procedureOfPacket(request);
    const args = procedure.args.decode(new Reader(request.frame, HEADER_BYTES)) as never;
    return { name, procedure, args, reply };
  });
});

/** A client whose daemon says what the test wants. */
class Victim {
  connection: Connection;
  #transport: Duplex;

  constructor() {
    this.#transport = silentDaemon();
    this.connection = new Connection(transportOf(this.#transport), { maxInFlight: 4 });
  }

  /** The class of what the caller got, or "nothing" if the bytes were not enough for an answer. */
  async ask({ name, procedure, args }: Exchange, bytes: Buffer, split: number): Promise<string> {
    if (!this.connection.isOpen) {
      this.#transport = silentDaemon();
      this.connection = new Connection(transportOf(this.#transport), { maxInFlight: 4 });
    }
    let outcome = "nothing";
    const call = this.connection.call(name, procedure, args).then(
      () => (outcome = "answer"),
      (error: unknown) => (outcome = classOf(error)),
    );
    this.#transport.push(bytes.subarray(0, split));
    this.#transport.push(bytes.subarray(split));
    await new Promise((resolve) => setImmediate(resolve));
    if (outcome === "nothing") {
      this.connection.destroy();
      await call;
      return "nothing";
    }
    return outcome;
  }
}

const silentDaemon = () =>
  new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });

function classOf(error: unknown): string {
  if (error instanceof LibvirtError) return "LibvirtError";
  if (error instanceof ProtocolError) return "ProtocolError";
  return `unexpected ${String(error)}`;
}

describe("a hostile daemon", () => {
  it(`gets nowhere with ${COUNT} broken answers`, { timeout: 60_000 + COUNT }, async () => {
    const random = seeded(20_260_101);
    const victim = new Victim();
    const seen = new Map<string, number>();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < COUNT; i++) {
      const exchange = corpus[i % corpus.length];
      if (!exchange) throw new Error("no recorded answers");
      const bytes = broken(exchange.reply.frame, random);
      const serialAt = 20;
      if (bytes.length > 24 && random() < 0.95) bytes.writeUInt32BE(serialOf(victim), serialAt);
      const split = Math.floor(random() * (bytes.length + 1));
      const outcome = await victim.ask(exchange, bytes, split);
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    }
    console.log(`${COUNT} broken answers:`, Object.fromEntries(seen));
    expect([...seen.keys()].toSorted()).toEqual([
      "LibvirtError",
      "ProtocolError",
      "answer",
      "nothing",
    ]);
    // Not one absurd length was believed: far less memory than any of them.
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1_048_576);
  });

  it("gets nowhere with arbitrary bytes instead of any answer", () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    const which = fc.nat({ max: procedures.length - 1 });
    fc.assert(
      fc.property(which, bytes, (index, body) => {
        const procedure = procedures[index]?.procedure;
        try {
          procedure?.ret.decode(new Reader(Buffer.from(body)));
        } catch (error) {
          expect((error as Error).name).toBe("XdrError");
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it("gets nowhere with broken events and stream packets", { timeout: 60_000 }, async () => {
    const random = seeded(7);
    let lost = 0;
    for (let round = 0; round < 400; round++) {
      const server = hostileServer();
      const target = { dial: () => server.dial() };
      const hypervisor = await connect(target, { keepalive: false, maxConnections: 1 });
      const events = await hypervisor.domainEvents("lifecycle", { bufferSize: 20 });
      const volume = await hypervisor.storageVolLookupByKey("k");
      const stream = await volume.download();
      stream.on("error", () => undefined).resume();
      for (const connection of server.connections)
        connection.mangle = (bytes) => broken(bytes, random);
      for (let i = 0; i < 10; i++) {
        server.connections[0]?.emit("domainEventCallbackLifecycle", lifecycleMessage);
        server.connections[1]?.sendStream("storageVolDownload", Buffer.alloc(64));
      }
      await new Promise((resolve) => setImmediate(resolve));
      if (!hypervisor.isOpen) lost++;
      for (const connection of server.connections) connection.destroy();
      await hypervisor.closed;
      await expect(drained(events)).rejects.toThrow();
    }
    expect(lost).toBeGreaterThan(100);
  });
});

const lifecycleMessage = {
  callbackID: 5,
  msg: {
    dom: { name: "one", uuid: "00000000-0000-4000-8000-000000000001", id: 1 },
    event: 2,
    detail: 0,
  },
};

function hostileServer(): FakeServer {
  const vol = { pool: "p", name: "v", key: "k" };
  return new FakeServer()
    .answer("connectDomainEventCallbackRegisterAny", () => ({ callbackID: 5 }))
    .answer("storageVolLookupByKey", () => ({ vol }))
    .answer("storageVolDownload", () => ({}));
}

async function drained(events: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _event of events) count++;
  return count;
}

/** The serial number that the next call of a connection gets, so that the answer is looked at. */
function serialOf(victim: Victim): number {
  return victim.connection.isOpen ? victim.connection.lastSerial + 1 : 1;
}
