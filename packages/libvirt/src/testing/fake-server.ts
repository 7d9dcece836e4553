/**
 * A daemon in memory, for tests: the same codecs the other way round. It knows no libvirt; a test says what each call
 * answers.
 *
 *     const server = new FakeServer();
 *     server.answer("domainLookupByName", ({ name }) => ({ dom: { name, uuid, id: -1 } }));
 *     const hypervisor = await connect({ dial: () => server.dial() });
 */
import { duplexPair, type Duplex } from "node:stream";
import { qemuCalls, qemuEvents } from "../protocol/generated/qemu.ts";
import { remoteCalls, remoteEvents } from "../protocol/generated/remote.ts";
import { error as errorStruct } from "../protocol/generated/structures.ts";
import type { AnswerOf, Procedure, ReceivedArgsOf, SentMessageOf } from "../protocol/procedure.ts";
import * as wire from "../wire/packet.ts";
import { PacketDecoder } from "../wire/packet-decoder.ts";
import { Reader } from "../xdr/reader.ts";
import { Writer } from "../xdr/writer.ts";

const calls = { ...remoteCalls.all(), ...qemuCalls.all() };
const events = { ...remoteEvents.all(), ...qemuEvents.all() };
type Calls = typeof calls;
type Events = typeof events;

/** Throw it from an answer to give a libvirt error. */
export class FakeLibvirtError extends Error {
  readonly code: number;
  readonly domain: number;

  constructor(message: string, numbers: { readonly code: number; readonly domain?: number }) {
    super(message);
    this.code = numbers.code;
    this.domain = numbers.domain ?? 0;
  }
}

export type Answer<Name extends keyof Calls> = (
  args: ReceivedArgsOf<Calls[Name]>,
  connection: FakeConnection,
) => AnswerOf<Calls[Name]> | Promise<AnswerOf<Calls[Name]>>;

type AnyProcedure = Procedure<never, unknown, unknown>;
type AnyAnswer = (args: unknown, connection: FakeConnection) => unknown;

const nameOfProcedure = new Map(
  Object.entries(calls).map(([name, { program, number }]) => [`${program.number}:${number}`, name]),
);

export class FakeServer {
  readonly connections: FakeConnection[] = [];
  /** Names of the calls that came, in order. */
  readonly received: string[] = [];
  readonly #answers = new Map<string, AnyAnswer>();

  constructor() {
    this.answer("authList", () => ({ types: [0] }));
    this.answer("connectSupportsFeature", () => ({ supported: 1 }));
    this.answer("connectOpen", () => ({}));
    this.answer("connectClose", () => ({}));
  }

  /** Says what a call answers; a promise that stays pending is a hung guest. */
  answer<Name extends keyof Calls>(name: Name, answer: Answer<Name>): this {
    this.#answers.set(name, answer as AnyAnswer);
    return this;
  }

  /** The client's end of a new connection. */
  dial(): Promise<Duplex> {
    const [client, server] = duplexPair();
    this.connections.push(new FakeConnection(server, this.#answers, this.received));
    return Promise.resolve(client);
  }
}

export class FakeConnection {
  readonly #socket: Duplex;
  readonly #answers: ReadonlyMap<string, AnyAnswer>;
  readonly #received: string[];
  readonly #decoder = new PacketDecoder();
  #lastSerial = 0;
  /** Packets of streams and keepalive, which no answer handles. */
  readonly packets: wire.Packet[] = [];
  /** Whether pings are answered. */
  answersKeepalive = true;
  /** Changes each packet on its way out, for hostile tests. */
  mangle: (packet: Buffer) => Buffer = (packet) => packet;

  constructor(socket: Duplex, answers: ReadonlyMap<string, AnyAnswer>, received: string[]) {
    this.#socket = socket;
    this.#answers = answers;
    this.#received = received;
    socket.on("data", (chunk: Buffer) => this.#decoder.push(chunk, (p) => this.#receive(p)));
    socket.on("error", () => socket.destroy());
  }

  /** Ends the connection as a daemon does that dies. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Sends an event message. */
  emit<Name extends keyof Events>(name: Name, message: SentMessageOf<Events[Name]>): void {
    const { program, number, message: codec } = events[name];
    const writer = new Writer(wire.HEADER_BYTES);
    codec.encode(writer, message as never);
    const { message: type } = wire.packetType;
    const { ok: status } = wire.packetStatus;
    this.send(headerOf(program, number, { type, status, serial: 0 }), writer.finish());
  }

  /** Sends stream data as if for the last call of `name` on this connection; nothing is the end of it. */
  sendStream(name: keyof Calls, data: Uint8Array): void {
    const { program, number } = calls[name];
    const { stream: type } = wire.packetType;
    const { continue: status } = wire.packetStatus;
    const frame = Buffer.concat([Buffer.alloc(wire.HEADER_BYTES), data]);
    this.send(headerOf(program, number, { type, status, serial: this.#lastSerial }), frame);
  }

  /** Sends any packet; `frame` leaves room for the header. */
  send(header: wire.PacketHeader, frame: Buffer): void {
    this.sendRaw(this.mangle(wire.writeHeader(frame, header)));
  }

  sendRaw(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  #receive(packet: wire.Packet): void {
    if (packet.program === wire.KEEPALIVE_PROGRAM || packet.type !== wire.packetType.call) {
      this.packets.push(packet);
      if (packet.procedure === wire.keepaliveProcedure.ping && this.answersKeepalive) {
        const pong = { ...packet, procedure: wire.keepaliveProcedure.pong };
        this.send(pong, Buffer.alloc(wire.HEADER_BYTES));
      }
      return;
    }
    void this.#call(packet);
  }

  async #call(packet: wire.Packet): Promise<void> {
    const name = nameOfProcedure.get(`${packet.program}:${packet.procedure}`) ?? "unknown";
    this.#received.push(name);
    this.#lastSerial = packet.serial;
    const procedure: AnyProcedure | undefined = calls[name as keyof Calls];
    const answer = this.#answers.get(name);
    try {
      if (!procedure || !answer) throw new FakeLibvirtError(`no answer for ${name}`, { code: 3 });
      const args = procedure.args.decode(new Reader(packet.frame, wire.HEADER_BYTES));
      const writer = new Writer(wire.HEADER_BYTES);
      procedure.ret.encode(writer, await answer(args, this));
      this.#reply(packet, wire.packetStatus.ok, writer.finish());
    } catch (error) {
      this.#reply(packet, wire.packetStatus.error, encodeError(error as Error));
    }
  }

  #reply(call: wire.Packet, status: number, frame: Buffer): void {
    this.send({ ...call, type: wire.packetType.reply, status }, frame);
  }
}

function headerOf(
  program: { readonly number: number; readonly version: number },
  procedure: number,
  rest: { readonly type: number; readonly serial: number; readonly status: number },
): wire.PacketHeader {
  return { program: program.number, version: program.version, procedure, ...rest };
}

function encodeError(error: Error): Buffer {
  const { code, domain } = error instanceof FakeLibvirtError ? error : { code: 1, domain: 0 };
  const writer = new Writer(wire.HEADER_BYTES);
  const { message } = error;
  const rest = { str1: null, str2: null, str3: null, int1: 0, int2: 0, dom: null, net: null };
  errorStruct.encode(writer, { code, domain, message, level: 2, ...rest });
  return writer.finish();
}
