/**
 * Links between simulated agents and the coordinator: messages take time, in order, and travel in their wire form.
 * Each way of a host's links can be blocked by itself: what is under way then waits, as TCP would send it again, and
 * both ends give the connection up after the keepalive time. Worse networks are asked for: slow, lossy, and, beyond
 * what TCP allows, ones that repeat and overtake; the session protocol has to bear them too.
 */
import { MusterError, type AgentMessage, type CoordinatorMessage } from "@muster/model";
import { agentCodec, coordinatorCodec } from "@muster/model/wire";
import { SessionRequest, SessionResponse } from "@muster/proto/dispatch";
import type { Clock, Link, Random } from "@muster/runtime";
import { LinkDirection, type Weather } from "./link-direction.ts";

const KEEPALIVE_MS = 10_000;

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
  /** A process at one end died: the other hears of it after what is under way. */
  cut(): void;
}

/** From the agent's place: to the coordinator, or from it. */
export type Way = "up" | "down";

export const fairWeather: Weather = {
  latencyMinMs: 1,
  latencySpreadMs: 20,
  lossFraction: 0,
  repeatFraction: 0,
  overtakeFraction: 0,
};

interface Wire {
  readonly up: LinkDirection<AgentMessage>;
  readonly down: LinkDirection<CoordinatorMessage>;
}

interface HostLinks {
  readonly blocked: Set<Way>;
  readonly wires: Set<Wire>;
  weather: Weather;
}

export class SimulatedNetwork {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #hosts = new Map<string, HostLinks>();

  constructor(parts: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  /** No connection can be made, and none lasts. */
  isCutOff(host: string): boolean {
    return this.#linksOf(host).blocked.size > 0;
  }

  cutOff(host: string): void {
    this.block(host, "up");
    this.block(host, "down");
  }

  reconnect(host: string): void {
    this.unblock(host, "up");
    this.unblock(host, "down");
    this.setWeather(host, fairWeather);
  }

  block(host: string, way: Way): void {
    const links = this.#linksOf(host);
    if (links.blocked.has(way)) return;
    links.blocked.add(way);
    const there = [...links.wires];
    for (const wire of there) wire[way].block();
    void this.#clock.sleep(KEEPALIVE_MS).then(() => {
      for (const wire of there) if (wire[way].isBlocked) this.#break(links, wire);
    });
  }

  unblock(host: string, way: Way): void {
    const links = this.#linksOf(host);
    links.blocked.delete(way);
    for (const wire of links.wires) wire[way].unblock();
  }

  setWeather(host: string, weather: Weather): void {
    this.#linksOf(host).weather = weather;
  }

  connect(host: string): Connection {
    const links = this.#linksOf(host);
    const parts = { clock: this.#clock, random: this.#random, weather: () => links.weather };
    const up = new LinkDirection<AgentMessage>(parts);
    const down = new LinkDirection<CoordinatorMessage>(parts);
    const wire: Wire = { up, down };
    links.wires.add(wire);
    const codec = overTheWire();
    const cut = (): void => {
      const broken = new MusterError("unreachable", "the connection broke");
      up.endAfterRest(broken);
      down.endAfterRest(broken);
      links.wires.delete(wire);
    };
    return {
      cut,
      agentEnd: {
        incoming: down.received,
        send: (message) => {
          up.send(codec.up(message));
        },
        close: cut,
      },
      coordinatorEnd: {
        incoming: up.received,
        send: (message) => {
          down.send(codec.down(message));
        },
        close: cut,
      },
    };
  }

  #break(links: HostLinks, wire: Wire): void {
    const broken = new MusterError("unreachable", "the connection broke");
    wire.up.end(broken);
    wire.down.end(broken);
    links.wires.delete(wire);
  }

  #linksOf(host: string): HostLinks {
    const found = this.#hosts.get(host);
    if (found !== undefined) return found;
    const links: HostLinks = { blocked: new Set(), wires: new Set(), weather: fairWeather };
    this.#hosts.set(host, links);
    return links;
  }
}
