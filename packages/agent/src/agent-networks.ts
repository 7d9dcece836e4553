/** What the agent does for the host's networks, put together: keeps them, guards them, finds out who is heard on them. */
import { isMusterError, type AgentMessage, type NicSpec } from "@muster/model";
import type { Clock, Log, Random } from "@muster/runtime";
import type { Assigned } from "./assignments/assigned.ts";
import { DhcpKeeper } from "./dhcp/dhcp-keeper.ts";
import type { DhcpServer } from "./dhcp/dhcp-server.ts";
import { NetworkKeeper } from "./assignments/network-keeper.ts";
import type { NetworkMemoryStore } from "./assignments/network-memory.ts";
import type { NetworkDriver, NicPlugs } from "./networks/network-driver.ts";
import { GuardKeeper } from "./nic-guards/guard-keeper.ts";
import type { NicGuards } from "./nic-guards/nic-guards.ts";
import type { AddressProber } from "./probes/address-prober.ts";
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
  /** Absent: whether an address is taken cannot be asked. */
  readonly addressProber?: AddressProber;
  /** Absent: this host serves no addresses. */
  readonly dhcp?: DhcpServer;
  /** Absent: guests here cannot forge anything, because they are not real. */
  readonly guards?: NicGuards;
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
  readonly #driver: NetworkDriver;
  readonly #log: Log;
  readonly #prober: NetworkProber | undefined;
  readonly #guards: GuardKeeper | undefined;
  readonly #addressProber: AddressProber | undefined;
  readonly #dhcp: DhcpKeeper | undefined;

  constructor(parts: AgentNetworksParts) {
    const { networks: driver, networkMemory: memory, probing, guards, dhcp } = parts;
    this.#driver = driver;
    this.#log = parts.log;
    this.#addressProber = parts.addressProber;
    this.keeper = new NetworkKeeper({ ...parts, driver, memory });
    const now = {
      network: (name: string) => this.keeper.network(name),
      observed: () => this.keeper.observed,
    };
    this.#prober =
      probing === undefined ? undefined : new NetworkProber({ ...parts, ...probing, ...now });
    this.#dhcp = dhcp === undefined ? undefined : new DhcpKeeper({ ...parts, dhcp, ...now });
    this.#guards = guards === undefined ? undefined : new GuardKeeper({ ...parts, guards, ...now });
  }

  get reconcilers(): NetworkReconcilers {
    const [prober, guardKeeper, dhcpKeeper] = [this.#prober, this.#guards, this.#dhcp];
    return {
      networkKeeper: this.keeper,
      ...(prober === undefined ? {} : { prober }),
      ...(guardKeeper === undefined ? {} : { guardKeeper }),
      ...(dhcpKeeper === undefined ? {} : { dhcpKeeper }),
    };
  }

  /** For whoever starts VMs: a NIC is plugged only where its guards hold. */
  get plugs(): NicPlugs {
    const [driver, guards] = [this.#driver, this.#guards];
    return {
      plug: async (nic) => {
        const attachment = await driver.plug(nic);
        await guards?.reconcile();
        return attachment;
      },
      unplug: (vmId) => driver.unplug(vmId),
    };
  }

  /** Who has a NIC's addresses already. Undefined: nobody can be asked. */
  get takenAddresses(): ((nic: NicSpec) => Promise<ReadonlyMap<string, string>>) | undefined {
    const prober = this.#addressProber;
    if (prober === undefined) return undefined;
    return async ({ network: name, addresses = [], mac }) => {
      const network = this.keeper.network(name);
      const observed = this.keeper.observed.find((each) => each.name === name);
      if (network === undefined || observed === undefined) return new Map();
      try {
        return await prober.takenBy({ network, observed, addresses, mac });
      } catch (error) {
        if (!isMusterError(error)) throw error;
        // Not being able to ask is no reason to keep a VM from being made.
        this.#log.warn(
          { network: name, err: error },
          "whether an address is taken was not found out",
        );
        return new Map();
      }
    };
  }

  /** To other hosts, as the last round of probes found them. */
  get paths(): readonly ProbedPaths[] {
    return this.#prober?.paths ?? [];
  }

  get guardedNics(): GuardKeeper["counts"] {
    return this.#guards?.counts ?? { kept: 0, failed: 0 };
  }

  get dhcpNetworks(): DhcpKeeper["counts"] {
    return this.#dhcp?.counts ?? { served: 0, failed: 0 };
  }

  async stop(): Promise<void> {
    await this.#dhcp?.stop();
  }

  sessionOpened(): void {
    this.keeper.sessionOpened();
    this.#prober?.sessionOpened();
  }

  /** Calls back when VMs' ports come or go, until the signal aborts. */
  async watchPorts(onChange: () => void, signal: AbortSignal): Promise<void> {
    await this.#guards?.watch(onChange, signal);
  }
}

interface NetworkReconcilers {
  readonly networkKeeper: NetworkKeeper;
  readonly prober?: NetworkProber;
  readonly guardKeeper?: GuardKeeper;
  readonly dhcpKeeper?: DhcpKeeper;
}
