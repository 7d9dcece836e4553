/** Dials the coordinator: one connection for the session, another for every console. */
import { MusterError, type AgentMessage, type CoordinatorMessage } from "@muster/model";
import { agentCodec } from "@muster/model/wire";
import { DispatchService } from "@muster/proto/dispatch";
import { connect, mapLink, type ConnectOptions, type Link, type RpcClient } from "@muster/runtime";
import { trustOf } from "../enrolment/identity.ts";
import type { Bytes, Dialer } from "../session/dialer.ts";
import type { IdentityKeeper } from "./identity-keeper.ts";

/** For each address: a dead one must not hold up the next. */
const DIAL_TIMEOUT_MS = 5_000;

/** Of a session: its heartbeats are answered, and a ping beside each would cost the coordinator as much again. */
const SESSION_KEEPALIVE = { intervalMs: 30_000, timeoutMs: 10_000 };

export class GrpcDialer implements Dialer {
  readonly #identity: IdentityKeeper;
  /** How many coordinators were tried that did not serve us: the next dial begins after them. */
  #passed = 0;

  constructor(identity: IdentityKeeper) {
    this.#identity = identity;
  }

  async dial(signal: AbortSignal): Promise<Link<AgentMessage, CoordinatorMessage>> {
    const client = await this.#connect({ signal, keepalive: SESSION_KEEPALIVE });
    const link = client.open(DispatchService.session, { signal });
    return this.#passingOn(closingWith(mapLink(link, agentCodec()), client));
  }

  async learn(addresses: readonly string[]): Promise<void> {
    await this.#identity.learnCoordinators(addresses);
  }

  async openBulk(ticket: string): Promise<Link<Bytes, Bytes>> {
    const client = await this.#connect();
    const link = client.open(DispatchService.bulk);
    link.send({ ticket, data: Buffer.alloc(0) });
    const bytes = mapLink(link, {
      encode: ({ data }: Bytes) => ({ ticket: "", data: Buffer.from(data) }),
      decode: ({ data }): Bytes => ({ data }),
    });
    return closingWith(bytes, client);
  }

  #connect(options: Pick<ConnectOptions, "signal" | "keepalive"> = {}): Promise<RpcClient> {
    return connect({
      addresses: this.#inTurn(),
      trust: trustOf(this.#identity.current),
      timeoutMs: DIAL_TIMEOUT_MS,
      ...options,
    });
  }

  /**
   * A standby answers and refuses: the next dial must not end there again. It says where the leader is, who may be one
   * that was added while this agent was away.
   */
  #passingOn<Outgoing, Incoming>(link: Link<Outgoing, Incoming>): Link<Outgoing, Incoming> {
    const passOn = async (error: unknown): Promise<void> => {
      const told = error instanceof MusterError ? error.leaderAddresses : [];
      const { coordinators: known } = this.#identity.current;
      if (told.every((address) => known.includes(address))) {
        this.#passed += 1;
        return;
      }
      // What was learned stands first.
      this.#passed = 0;
      await this.#identity.learnCoordinators(told);
    };
    const incoming = async function* (): AsyncGenerator<Incoming> {
      try {
        yield* link.incoming;
      } catch (error) {
        await passOn(error);
        throw error;
      }
    };
    return { ...link, incoming: incoming() };
  }

  #inTurn(): readonly string[] {
    const { coordinators } = this.#identity.current;
    const first = coordinators.length === 0 ? 0 : this.#passed % coordinators.length;
    return [...coordinators.slice(first), ...coordinators.slice(0, first)];
  }
}

/** The connection belongs to its one stream. */
function closingWith<Outgoing, Incoming>(
  link: Link<Outgoing, Incoming>,
  client: RpcClient,
): Link<Outgoing, Incoming> {
  const incoming = async function* (): AsyncGenerator<Incoming> {
    try {
      yield* link.incoming;
    } finally {
      client.close();
    }
  };
  return {
    incoming: incoming(),
    send: (message) => {
      link.send(message);
    },
    close: (error) => {
      link.close(error);
    },
  };
}
