/** Sends each event packet of a connection to the subscriptions it belongs to. */
import { decodeWhole, type Connection } from "../connection.ts";
import { ConnectionLostError, isLibvirtError } from "../errors.ts";
import type { CallOptions } from "../pending-call.ts";
import { remoteEvents } from "../protocol/generated/remote.ts";
import type { EventMessage } from "../protocol/procedure.ts";
import { HEADER_BYTES, type Packet } from "../wire/packet.ts";
import { Reader } from "../xdr/reader.ts";
import { EventStream } from "./event-stream.ts";

export interface SubscribeOptions extends CallOptions {
  /** Events kept for a slow reader, 4096 by default; more end the subscription with EventOverflowError. */
  readonly bufferSize?: number | undefined;
}

export interface HubOptions extends SubscribeOptions {
  /** Leaves out kinds that an older daemon does not have, instead of failing. */
  readonly skipUnsupported?: boolean;
}

/** One kind of event: how to ask for it and how to read it. */
export interface EventSource<Event> {
  readonly message: EventMessage<{ readonly callbackID: number }, never>;
  /** Resolves with the callback id that its messages will carry. */
  register(connection: Connection, options: CallOptions): Promise<number>;
  deregister(connection: Connection, callbackId: number, options: CallOptions): Promise<unknown>;
  decode(message: unknown): Event;
}

interface Registration {
  deliver(message: unknown): void;
}

const DEFAULT_BUFFER = 4096;

/** The one message that belongs to no callback. */
const CLOSED = "connectEventConnectionClosed";

/** Packets that came between registration in the daemon and our knowing the callback id. */
const EARLY_MAX = 1024;

export class EventHub {
  readonly #connection: Connection;
  readonly #registrations = new Map<string, Registration>();
  readonly #messages = new Map<string, EventMessage<{ readonly callbackID: number }, never>>();
  readonly #streams = new Set<EventStream<unknown>>();
  /** Told when the daemon itself loses the hypervisor; see HypervisorBase.registerCloseCallback. */
  onHypervisorClosed: ((reason: number) => void) | null = null;
  #registering = 0;
  #early: { readonly key: string; readonly message: unknown }[] = [];

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.onMessage = (packet) => this.#receive(packet);
  }

  /** Registers every source; what they yield comes in one stream, in the daemon's order. */
  async subscribe<Event>(
    sources: readonly EventSource<Event>[],
    options: HubOptions,
  ): Promise<EventStream<Event>> {
    const registered: { source: EventSource<Event>; callbackId: number }[] = [];
    const stream = new EventStream<Event>(options.bufferSize ?? DEFAULT_BUFFER, async () => {
      this.#streams.delete(stream);
      for (const { source, callbackId } of registered) {
        this.#registrations.delete(keyOf(source.message, callbackId));
        if (this.#connection.isOpen) {
          await source.deregister(this.#connection, callbackId, { timeoutMs: options.timeoutMs });
        }
      }
    });
    this.#streams.add(stream);
    try {
      for (const source of sources) {
        const callbackId = await this.#register(source, stream, options).catch((error: unknown) => {
          if (options.skipUnsupported && isUnsupportedEvent(error)) return null;
          throw error;
        });
        if (callbackId !== null) registered.push({ source, callbackId });
      }
    } catch (error) {
      await stream.close();
      throw error;
    }
    return stream;
  }

  /** Every reader hears why the connection is gone, after what had arrived before. */
  end(reason: Error): void {
    for (const stream of this.#streams) {
      stream.end(
        new ConnectionLostError(`connection to libvirt lost: ${reason.message}`, {
          sent: true,
          cause: reason,
        }),
      );
    }
    this.#streams.clear();
  }

  async #register<Event>(
    source: EventSource<Event>,
    stream: EventStream<Event>,
    options: CallOptions,
  ): Promise<number> {
    this.#messages.set(
      messageKey(source.message.program.number, source.message.number),
      source.message,
    );
    this.#registering++;
    try {
      const callbackId = await source.register(this.#connection, options);
      const key = keyOf(source.message, callbackId);
      const deliver = (message: unknown) => stream.push(source.decode(message));
      this.#registrations.set(key, { deliver });
      for (const early of this.#early) if (early.key === key) deliver(early.message);
      return callbackId;
    } finally {
      this.#registering--;
      if (this.#registering === 0) this.#early = [];
    }
  }

  /** Unknown messages are ignored: daemons may know events that we do not. */
  #receive(packet: Packet): void {
    const { program, number, message: closed } = remoteEvents.get(CLOSED);
    if (packet.program === program.number && packet.procedure === number) {
      const body = new Reader(packet.frame, HEADER_BYTES);
      return this.onHypervisorClosed?.(decodeWhole(closed, body, "event of closing").reason);
    }
    const message = this.#messages.get(messageKey(packet.program, packet.procedure));
    if (!message) return;
    const name = `event ${packet.procedure}`;
    const body = decodeWhole(message.message, new Reader(packet.frame, HEADER_BYTES), name);
    const key = keyOf(message, body.callbackID);
    const registration = this.#registrations.get(key);
    if (registration) registration.deliver(body);
    else if (this.#registering > 0 && this.#early.length < EARLY_MAX) {
      this.#early.push({ key, message: body });
    }
  }
}

/** libvirt has no code of its own for "unsupported event ID 27". */
const isUnsupportedEvent = (error: unknown) =>
  isLibvirtError(error, "internalError") && error.message.includes("unsupported event ID");

const messageKey = (program: number, procedure: number) => `${program}:${procedure}`;

function keyOf(
  message: EventMessage<{ readonly callbackID: number }, never>,
  callbackId: number,
): string {
  return `${messageKey(message.program.number, message.number)}:${callbackId}`;
}
