/**
 * Links between simulated agents and the coordinator: messages take time, in order, and travel in their wire form. A
 * host that is cut off loses what is under way; both ends notice after the keepalive time, as TCP and gRPC would.
 */
import { MusterError, type AgentMessage, type CoordinatorMessage } from "@muster/model";
import { agentCodec, coordinatorCodec } from "@muster/model/wire";
import { SessionRequest, SessionResponse } from "@muster/proto/dispatch";
import { Mailbox, type Clock, type Link, type Random } from "@muster/runtime";

const LATENCY_MIN_MS = 1;
const LATENCY_SPREAD_MS = 20;
const KEEPALIVE_MS = 10_000;
const MESSAGES_WAITING_MAX = 100_000;

/** The two ends' codecs of one connection, through bytes. */
function overTheWire() {
  const [agent, coordinator] = [agentCodec(), coordinatorCodec()];
  return {
    up: (message: AgentMessage): AgentMessage =>
      coordinator.decode(
        SessionRequest.decode(SessionRequest.encode(agent.encode(message)).finish()),
      ),
    down: (message: CoordinatorMessage): CoordinatorMessage =>
      agent.decode(
        SessionResponse.decode(SessionResponse.encode(coordinator.encode(message)).finish()),
      ),
  };
}

export interface Connection {
  readonly agentEnd: Link<AgentMessage, CoordinatorMessage>;
  readonly coordinatorEnd: Link<CoordinatorMessage, AgentMessage>;
  /** A process at one end died: the other hears of it at once. */
  cut(): void;
}

export class SimulatedNetwork {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #cutOff = new Set<string>();
  readonly #connections = new Map<string, Set<() => void>>();

  constructor(parts: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  isCutOff(host: string): boolean {
    return this.#cutOff.has(host);
  }

  cutOff(host: string): void {
    this.#cutOff.add(host);
    const breakAll = [...(this.#connections.get(host) ?? [])];
    void this.#clock.sleep(KEEPALIVE_MS).then(() => {
      for (const breakOne of breakAll) breakOne();
    });
  }

  reconnect(host: string): void {
    this.#cutOff.delete(host);
  }

  connect(host: string): Connection {
    const up = new Direction<AgentMessage>(
      this.#clock,
      () => this.#latencyMs(),
      () => this.isCutOff(host),
    );
    const down = new Direction<CoordinatorMessage>(
      this.#clock,
      () => this.#latencyMs(),
      () => this.isCutOff(host),
    );
    const cut = (): void => {
      const broken = new MusterError("unreachable", "the connection broke");
      up.end(broken);
      down.end(broken);
      this.#connections.get(host)?.delete(cut);
    };
    const all = this.#connections.get(host) ?? new Set();
    const wire = overTheWire();
    this.#connections.set(host, all.add(cut));
    return {
      cut,
      agentEnd: {
        incoming: down.received,
        send: (message) => {
          up.send(wire.up(message));
        },
        close: cut,
      },
      coordinatorEnd: {
        incoming: up.received,
        send: (message) => {
          down.send(wire.down(message));
        },
        close: cut,
      },
    };
  }

  #latencyMs(): number {
    return LATENCY_MIN_MS + this.#random.fraction() * LATENCY_SPREAD_MS;
  }
}

/** One way of a connection: first in, first out, however long each message takes. */
class Direction<Message> {
  readonly received = new Mailbox<Message>(MESSAGES_WAITING_MAX);
  readonly #clock: Clock;
  readonly #latencyMs: () => number;
  readonly #isLost: () => boolean;
  #tail: Promise<void> = Promise.resolve();
  #hasEnded = false;

  constructor(clock: Clock, latencyMs: () => number, isLost: () => boolean) {
    this.#clock = clock;
    this.#latencyMs = latencyMs;
    this.#isLost = isLost;
  }

  send(message: Message): void {
    if (this.#hasEnded) return;
    const arrived = this.#clock.sleep(this.#latencyMs());
    this.#tail = Promise.all([this.#tail, arrived]).then(() => {
      // TCP delivers nothing after a gap, so a lost message ends what can be received.
      if (this.#isLost()) this.#hasEnded = true;
      if (!this.#hasEnded) this.received.put(message);
    });
  }

  end(error: Error): void {
    this.#hasEnded = true;
    this.received.end(error);
  }
}
