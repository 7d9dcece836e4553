/** What the agent does for the host's networks, put together: keeps them, and finds out who is heard on them. */
import type { AgentMessage } from "@muster/model";
import type { Clock, Log, Random } from "@muster/runtime";
import type { Assigned } from "./assignments/assigned.ts";
import { NetworkKeeper } from "./assignments/network-keeper.ts";
import type { NetworkMemoryStore } from "./assignments/network-memory.ts";
import type { NetworkDriver } from "./networks/network-driver.ts";
import {
  NetworkProber,
  type NetworkProberParts,
  type ProbedPaths,
} from "./probes/network-prober.ts";

/** What differs between a real host and a simulated one. */
export interface AgentNetworkPorts {
  readonly networks: NetworkDriver;
  readonly networkMemory: NetworkMemoryStore;
  /** Absent: this host cannot probe, and nothing is said of whom it hears. */
  readonly probing?: Pick<NetworkProberParts, "prober" | "periodMs">;
}

export interface AgentNetworksParts extends AgentNetworkPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly assigned: () => Assigned | undefined;
  readonly isHeard: () => boolean;
  readonly send: (message: AgentMessage) => void;
  readonly onChange: () => void;
}

export class AgentNetworks {
  readonly keeper: NetworkKeeper;
  readonly #prober: NetworkProber | undefined;

  constructor(parts: AgentNetworksParts) {
    this.keeper = new NetworkKeeper({
      ...parts,
      driver: parts.networks,
      memory: parts.networkMemory,
    });
    const { probing } = parts;
    if (probing === undefined) return;
    this.#prober = new NetworkProber({
      ...parts,
      ...probing,
      network: (name) => this.keeper.network(name),
      observed: () => this.keeper.observed,
    });
  }

  get reconcilers(): { readonly networkKeeper: NetworkKeeper; readonly prober?: NetworkProber } {
    const prober = this.#prober;
    return { networkKeeper: this.keeper, ...(prober === undefined ? {} : { prober }) };
  }

  /** To other hosts, as the last round of probes found them. */
  get paths(): readonly ProbedPaths[] {
    return this.#prober?.paths ?? [];
  }

  sessionOpened(): void {
    this.keeper.sessionOpened();
    this.#prober?.sessionOpened();
  }
}
