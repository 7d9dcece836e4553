/**
 * One socket to a daemon. Calls are answered in any order and matched by serial number.
 *
 * libvirtd stops reading a connection with max_client_requests (default 5) unanswered calls, keepalive included, so
 * at most four are in flight and the others wait here. libvirt has no cancel: an abandoned call keeps its slot until
 * its answer comes.
 */
import { deferred } from "./deferred.ts";
import type { Duplex } from "node:stream";
import { ConnectionLostError, LibvirtError, ProtocolError } from "./errors.ts";
import { Keepalive, type KeepaliveOptions } from "./keepalive.ts";
import { PendingCall, type CallOptions } from "./pending-call.ts";
import { error as errorStruct } from "./protocol/generated/structures.ts";
import type { Procedure, Program } from "./protocol/procedure.ts";
import { RpcStream } from "./rpc-stream.ts";
import type { Transport } from "./transport/transport.ts";
import * as wire from "./wire/packet.ts";
import { PacketDecoder } from "./wire/packet-decoder.ts";
import { Reader } from "./xdr/reader.ts";

export interface ConnectionOptions {
  /** Calls in flight at once; below libvirtd's max_client_requests. */
  readonly maxInFlight: number;
}

export class Connection {
  readonly #socket: Duplex;
  readonly #maxInFlight: number;
  readonly #decoder = new PacketDecoder();
  readonly #pending = new Map<number, PendingCall>();
  readonly #waiting: PendingCall[] = [];
  readonly #closed = deferred<Error>();
  #keepalive: Keepalive | undefined;
  #lostBecause: Error | undefined;
  #lastSerial = 0;
  #isCorked = false;
  #isChunkKept = false;

  /** Gets each event packet; set before the first call. */
  onMessage: (packet: wire.Packet) => void = () => undefined;
  /** Told when a slot became free and no call of this connection waits for it. */
  onSlotFree: () => void = () => undefined;

  constructor(transport: Transport, options: ConnectionOptions) {
    const { socket } = transport;
    this.#socket = socket;
    this.#maxInFlight = options.maxInFlight;
    transport.onChunk((chunk) => this.#receive(chunk));
    socket.on("error", (error) => this.#lose(error));
    socket.on("close", () => this.#lose(new Error("the daemon closed the connection")));
    socket.on("end", () => this.#lose(new Error("the daemon closed the connection")));
  }

  get isOpen(): boolean {
    return this.#lostBecause === undefined;
  }

  /** Resolves with the reason once the connection is gone; never rejects. */
  get closed(): Promise<Error> {
    return this.#closed.promise;
  }

  /** Serial number of the last call that was sent. */
  get lastSerial(): number {
    return this.#lastSerial;
  }

  /** Calls sent and not answered, the abandoned ones included. */
  get inFlight(): number {
    return this.#pending.size;
  }

  startKeepalive(options: KeepaliveOptions): void {
    const sendPing = () => this.#sendKeepalive(wire.keepaliveProcedure.ping);
    const onDead = () => this.#lose(new Error("the daemon does not answer keepalive"));
    this.#keepalive = new Keepalive(options, { sendPing, onDead });
    this.#keepalive.start();
  }

  /** True if a call would be sent at once. */
  get hasFreeSlot(): boolean {
    return this.freeSlots > 0;
  }

  /** Calls that could be sent at once. */
  get freeSlots(): number {
    return this.#lostBecause ? 0 : this.#maxInFlight - this.#pending.size;
  }

  /** Calls a procedure. Rejects with LibvirtError, ConnectionLostError, CallTimeoutError or the signal's reason. */
  async call<Args, Ret>(
    name: string,
    procedure: Procedure<Args, Ret, never>,
    args: Args,
    options: CallOptions = {},
  ): Promise<Ret> {
    const call = PendingCall.create(name, procedure, args, options);
    this.submit(call);
    return await call.answer<Ret>();
  }

  /** Calls a procedure that opens a stream. The stream holds its slot until it ends. */
  async openStream<Args, Ret>(
    name: string,
    procedure: Procedure<Args, Ret, never>,
    args: Args,
    options: CallOptions = {},
  ): Promise<{ readonly stream: RpcStream; readonly answer: Ret }> {
    const stream: RpcStream = new RpcStream({
      name,
      send: (packet, payload) => {
        const { program, number } = procedure;
        const base = header(program, number, packet.type, stream.serial);
        return this.#sendStream({ ...base, status: packet.status }, payload);
      },
      drained: () => this.#drained(),
      pause: () => this.#socket.pause(),
      resume: () => this.#socket.resume(),
      ended: () => this.#release(stream.serial),
    });
    const call = PendingCall.create(name, procedure, args, { ...options, stream });
    this.submit(call);
    return { stream, answer: await call.answer<Ret>() };
  }

  /** Sends a call, or keeps it until a slot is free. */
  submit(call: PendingCall): void {
    call.onGivenUp = () => this.#forget(call);
    if (this.#lostBecause) call.reject(this.#lossError(this.#lostBecause, false));
    else if (this.hasFreeSlot) this.#send(call);
    else this.#waiting.push(call);
  }

  /** Drops the connection; whoever waits gets ConnectionLostError. */
  destroy(reason: Error = new Error("the connection was closed")): void {
    this.#lose(reason);
  }

  #forget(call: PendingCall): void {
    const index = this.#waiting.indexOf(call);
    if (index >= 0) this.#waiting.splice(index, 1);
    else if (call.stream && call.sent) call.stream.abandon();
  }

  #send(call: PendingCall): void {
    call.serial = this.#nextSerial();
    if (call.stream) call.stream.serial = call.serial;
    this.#pending.set(call.serial, call);
    const { program, number } = call.procedure;
    const { call: type } = wire.packetType;
    this.#write(wire.writeHeader(call.frame, header(program, number, type, call.serial)));
  }

  #nextSerial(): number {
    do this.#lastSerial = this.#lastSerial >= 0x7fff_ffff ? 1 : this.#lastSerial + 1;
    while (this.#pending.has(this.#lastSerial));
    return this.#lastSerial;
  }

  #release(serial: number): void {
    if (!this.#pending.delete(serial)) return;
    const next = this.#waiting.shift();
    if (next) this.#send(next);
    else this.onSlotFree();
  }

  #sendStream(packet: wire.PacketHeader, payload: Uint8Array): boolean {
    if (this.#lostBecause) return true;
    const head = wire.emptyPacket(packet);
    head.writeUInt32BE(wire.HEADER_BYTES + payload.length, 0);
    const hasRoom = this.#write(head);
    return payload.length > 0 ? this.#write(payload) : hasRoom;
  }

  #sendKeepalive(procedure: number): void {
    const program = { number: wire.KEEPALIVE_PROGRAM, version: 1 };
    this.#write(wire.emptyPacket(header(program, procedure, wire.packetType.message, 0)));
  }

  /** Packets of one turn of the event loop leave in one system call. */
  #write(bytes: Uint8Array): boolean {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(this.#uncork);
    }
    return this.#socket.write(bytes);
  }

  readonly #uncork = (): void => {
    this.#isCorked = false;
    this.#socket.uncork();
  };

  #drained(): Promise<void> {
    if (this.#lostBecause || !this.#socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#socket.off("drain", done);
        this.#socket.off("close", done);
        resolve();
      };
      this.#socket.on("drain", done);
      this.#socket.on("close", done);
    });
  }

  /** True if part of the chunk is kept: stream data is handed on without copying. */
  #receive(chunk: Buffer): boolean {
    this.#keepalive?.heard();
    this.#isChunkKept = false;
    try {
      this.#decoder.push(chunk, this.#onPacket, this.#onStreamBytes);
    } catch (error) {
      this.#lose(new ProtocolError((error as Error).message, { cause: error }));
    }
    return this.#isChunkKept;
  }

  readonly #onPacket = (packet: wire.Packet): void => {
    if (!this.#lostBecause) this.#dispatch(packet);
  };

  /** Part of a packet of stream data, as it comes. */
  readonly #onStreamBytes = (header: wire.PacketHeader, bytes: Buffer): void => {
    if (this.#lostBecause) return;
    const { stream, name } = this.#callOf(header);
    if (!stream) throw new ProtocolError(`stream data for ${name}`);
    if (stream.receiveBytes(bytes)) this.#isChunkKept = true;
  };

  #dispatch(packet: wire.Packet): void {
    if (packet.program === wire.KEEPALIVE_PROGRAM) {
      if (packet.procedure === wire.keepaliveProcedure.ping) {
        this.#sendKeepalive(wire.keepaliveProcedure.pong);
      }
      return;
    }
    if (packet.type === wire.packetType.message) return this.onMessage(packet);
    const call = this.#callOf(packet);
    if (packet.type === wire.packetType.reply) this.#answer(call, packet);
    else if (call.stream) {
      if (call.stream.receive(packet)) this.#isChunkKept = true;
    } else throw new ProtocolError(`packet of type ${packet.type} for ${call.name}`);
  }

  #callOf({ serial, program, procedure }: wire.PacketHeader): PendingCall {
    const call = this.#pending.get(serial);
    if (!call) throw new ProtocolError(`answer to unknown call ${serial}`);
    if (program !== call.procedure.program.number || procedure !== call.procedure.number) {
      throw new ProtocolError(`answer to ${call.name} names procedure ${procedure}`);
    }
    return call;
  }

  #answer(call: PendingCall, packet: wire.Packet): void {
    const reader = new Reader(packet.frame, wire.HEADER_BYTES);
    if (packet.status === wire.packetStatus.error) {
      const error = new LibvirtError(decodeWhole(errorStruct, reader, call.name), call.name);
      call.stream?.fail(error);
      this.#release(call.serial);
      call.reject(error);
    } else if (packet.status === wire.packetStatus.ok) {
      const value = decodeWhole(call.procedure.ret, reader, call.name);
      if (!call.stream) this.#release(call.serial);
      call.resolve(value);
    } else {
      throw new ProtocolError(`answer to ${call.name} has status ${packet.status}`);
    }
  }

  #lose(reason: Error): void {
    if (this.#lostBecause) return;
    this.#lostBecause = reason;
    this.#keepalive?.stop();
    this.#socket.destroy();
    for (const call of this.#pending.values()) {
      call.stream?.fail(this.#lossError(reason, true));
      call.reject(this.#lossError(reason, true));
    }
    for (const call of this.#waiting) call.reject(this.#lossError(reason, false));
    this.#pending.clear();
    this.#waiting.length = 0;
    this.#closed.resolve(reason);
  }

  #lossError(cause: Error, sent: boolean): Error {
    // A peer that talks nonsense is worth its own class even to those who merely waited.
    if (cause instanceof ProtocolError) return cause;
    return new ConnectionLostError(`connection to libvirt lost: ${cause.message}`, { sent, cause });
  }
}

function header(
  program: Program,
  procedure: number,
  type: number,
  serial: number,
): wire.PacketHeader {
  const { number, version } = program;
  return { program: number, version, procedure, type, serial, status: wire.packetStatus.ok };
}

/** Answers are frozen in libvirt: bytes left over mean that we misread them. */
export function decodeWhole<T>(
  codec: { decode(reader: Reader): T },
  reader: Reader,
  name: string,
): T {
  const value = codec.decode(reader);
  if (reader.remaining > 0) throw new ProtocolError(`${name}: ${reader.remaining} bytes left over`);
  return value;
}
