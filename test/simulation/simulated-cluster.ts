/**
 * A whole cluster in one process and in simulated time: the production coordinator, agents, planner, operations and
 * store, on simulated hypervisors, networks and links. The same seed gives the same history.
 */
import { Agent } from "@muster/agent";
import {
  collectInventory,
  MemoryAssignmentStore,
  MemoryJournal,
  SimulatedHostNetworks,
  SimulatedHypervisor,
  SimulatedNetworkDriver,
  SimulatedWorld,
} from "@muster/agent/simulated";
import {
  claimHandlers,
  Coordinator,
  drainHandlers,
  hostHandlers,
  networkHandlers,
  operationHandlers,
  policyHandlers,
  put,
  ruleHandlers,
  SqliteStore,
  vmHandlers,
  type ApiParts,
  type CapacityPolicy,
  type Store,
} from "@muster/coordinator";
import { detailOf, GIB, MusterError, parseHostId, type HostId } from "@muster/model";
import {
  seededRandom,
  SimulatedClock,
  silentLogger,
  type CallContext,
  type Log,
  type Random,
} from "@muster/runtime";
import { Life } from "./life.ts";
import { SimulatedNetwork, type Connection } from "./simulated-network.ts";

interface Machine {
  readonly name: string;
  readonly id: HostId;
  readonly journal: MemoryJournal;
  readonly assignments: MemoryAssignmentStore;
  readonly networks: SimulatedHostNetworks;
  running?: RunningAgent;
}

interface RunningAgent {
  readonly agent: Agent;
  readonly life: Life;
  readonly hypervisor: SimulatedHypervisor;
  connection?: Connection;
}

interface RunningCoordinator {
  readonly coordinator: Coordinator;
  readonly life: Life;
}

export interface SimulatedClusterOptions {
  readonly seed: number;
  readonly hosts: number;
  readonly cpusPerHost?: number;
  readonly memoryBytesPerHost?: bigint;
  /** Hears what every process logs, with the simulated time. */
  readonly onLog?: (line: string) => void;
}

const times = { heartbeatIntervalMs: 5_000, fullReportIntervalMs: 60_000, sampleIntervalMs: 5_000 };

export class SimulatedCluster implements AsyncDisposable {
  readonly clock = new SimulatedClock();
  readonly random: Random;
  readonly world: SimulatedWorld;
  readonly network: SimulatedNetwork;
  readonly capacity: CapacityPolicy = {
    cpuOvercommit: 4,
    memoryReservedBytes: GIB,
    vmsPerHostMax: 100,
  };
  readonly #store: SqliteStore = SqliteStore.open(":memory:");
  readonly #machines = new Map<string, Machine>();
  #running: RunningCoordinator | undefined;

  readonly #onLog: ((line: string) => void) | undefined;

  private constructor({ seed, onLog }: SimulatedClusterOptions) {
    this.#onLog = onLog;
    this.random = seededRandom(seed);
    this.world = new SimulatedWorld({ clock: this.clock, random: this.random });
    this.network = new SimulatedNetwork({ clock: this.clock, random: this.random });
  }

  /** Hosts h1, h2, … are enrolled and their agents run. */
  static async start(options: SimulatedClusterOptions): Promise<SimulatedCluster> {
    const cluster = new SimulatedCluster(options);
    await cluster.startCoordinator();
    for (let number = 1; number <= options.hosts; number += 1) {
      await cluster.#addHost(`h${String(number)}`, options);
    }
    await cluster.clock.runFor(15_000);
    return cluster;
  }

  get hostNames(): readonly string[] {
    return [...this.#machines.keys()];
  }

  get coordinator(): Coordinator {
    if (this.#running === undefined) throw new Error("the coordinator is down");
    return this.#running.coordinator;
  }

  get isCoordinatorUp(): boolean {
    return this.#running !== undefined;
  }

  isAgentUp(host: string): boolean {
    return this.#machine(host).running !== undefined;
  }

  journalOf(host: string): MemoryJournal {
    return this.#machine(host).journal;
  }

  networksOf(host: string): SimulatedHostNetworks {
    return this.#machine(host).networks;
  }

  async startCoordinator(): Promise<void> {
    if (this.#running !== undefined) return;
    const life = new Life();
    const store: Store = life.bind<Store>(this.#store);
    const coordinator = await Coordinator.open({
      store,
      clock: life.clock(this.clock),
      random: this.random,
      log: this.#logOf("coordinator"),
      times,
      capacity: this.capacity,
    });
    coordinator.start();
    this.#running = { coordinator, life };
  }

  /** kill -9. */
  killCoordinator(): void {
    this.#running?.life.end();
    this.#running = undefined;
    for (const machine of this.#machines.values()) machine.running?.connection?.cut();
  }

  async startAgent(host: string): Promise<void> {
    const machine = this.#machine(host);
    if (machine.running !== undefined) return;
    const life = new Life();
    const { clock, world, random } = this;
    const clusterId = this.#clusterId();
    const hypervisor = new SimulatedHypervisor({ world, host, clusterId: () => clusterId });
    const running: RunningAgent = {
      life,
      hypervisor,
      agent: new Agent({
        clock: life.clock(clock),
        random,
        log: this.#logOf(host),
        hypervisor: life.bind(hypervisor),
        networks: life.bind(new SimulatedNetworkDriver(machine.networks)),
        journal: life.bind(machine.journal),
        assignments: life.bind(machine.assignments),
        dialer: {
          dial: async () =>
            life.isOver ? new Promise(() => undefined) : this.#dial(machine, running),
          openBulk: async () => {
            throw new MusterError("unreachable", "simulated agents carry no consoles");
          },
        },
        inventory: () =>
          collectInventory({ hypervisor, system: world.system(host), agentVersion: "0.1.0" }),
        load: () => world.system(host).readLoad(),
        clusterId,
        agentVersion: "0.1.0",
        agentIncarnation: random.uuid(),
        migrationAddress: host,
        metricsAddress: "",
      }),
    };
    machine.running = running;
    await running.agent.start();
  }

  /** kill -9. */
  async killAgent(host: string): Promise<void> {
    const machine = this.#machine(host);
    const { running } = machine;
    if (running === undefined) return;
    delete machine.running;
    running.life.end();
    running.connection?.cut();
    await running.hypervisor[Symbol.asyncDispose]();
  }

  /** Power cut: the agent, libvirt and every VM on it die. */
  async powerCut(host: string): Promise<void> {
    await this.killAgent(host);
    this.world.powerCut(host);
    this.#machine(host).networks.reboot();
  }

  async boot(host: string): Promise<void> {
    this.world.boot(host);
    await this.startAgent(host);
  }

  /** Both the agent's link and the links to other hosts. */
  cutOff(host: string): void {
    this.network.cutOff(host);
    this.world.isolate(host);
  }

  reconnect(host: string): void {
    this.network.reconnect(host);
    this.world.rejoin(host);
  }

  /** The public API, as a person at the coordinator would use it. */
  get api(): ReturnType<typeof apiOf> {
    return apiOf(this.coordinator, this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.killCoordinator();
    for (const host of this.hostNames) await this.killAgent(host);
    await this.world[Symbol.asyncDispose]();
    await this.#store[Symbol.asyncDispose]();
  }

  #logOf(process: string): Log {
    const say = (level: string) => (fields: object, message: string) => {
      if (this.#onLog === undefined) return;
      const shown = JSON.stringify(fields, (_name, value: unknown) => {
        if (value instanceof Error) return detailOf(value);
        return typeof value === "bigint" ? String(value) : value;
      });
      const seconds = (this.clock.now() / 1000).toFixed(3).padStart(9);
      this.#onLog(`${seconds} ${process} ${level} ${message} ${shown}`);
    };
    return { info: say("info"), warn: say("warn"), error: say("error") };
  }

  #machine(host: string): Machine {
    const machine = this.#machines.get(host);
    if (machine === undefined) throw new Error(`there is no host ${host}`);
    return machine;
  }

  #clusterId() {
    return this.coordinator.ledger.view.cluster.id;
  }

  async #addHost(name: string, options: SimulatedClusterOptions): Promise<void> {
    this.world.addHost({
      name,
      cpus: options.cpusPerHost ?? 8,
      memoryBytes: options.memoryBytesPerHost ?? 16n * GIB,
    });
    const machine: Machine = {
      name,
      id: parseHostId(this.random.uuid()),
      journal: new MemoryJournal(),
      assignments: new MemoryAssignmentStore(),
      networks: new SimulatedHostNetworks(),
    };
    this.#machines.set(name, machine);
    const record = {
      id: machine.id,
      name,
      cordoned: false,
      cordonReason: "",
      certificateSerial: "00",
      certificateExpiresAt: "2027-01-01T00:00:00.000Z",
      enrolledAt: this.clock.wall().toISOString(),
      connectedBefore: false,
    };
    await this.coordinator.ledger.transact(() => ({
      changes: [put("host", record)],
      result: undefined,
    }));
    await this.startAgent(name);
  }

  #dial(machine: Machine, running: RunningAgent): Connection["agentEnd"] {
    if (this.#running === undefined || this.network.isCutOff(machine.name)) {
      throw new MusterError("unreachable", "the coordinator does not answer");
    }
    const connection = this.network.connect(machine.name);
    running.connection = connection;
    void this.#running.coordinator.serveAgent(machine.id, connection.coordinatorEnd);
    return connection.agentEnd;
  }
}

/** A person who never hangs up. */
const context: CallContext = {
  peer: { kind: "local" },
  signal: new AbortController().signal,
  method: "simulated",
};

function apiOf(coordinator: Coordinator, cluster: SimulatedCluster) {
  const { ledger, observations, runner, events, consoles, snapshots } = coordinator;
  const parts: ApiParts = {
    ledger,
    observations,
    runner,
    events,
    consoles,
    clock: cluster.clock,
    random: cluster.random,
    log: silentLogger,
    capacity: cluster.capacity,
    snapshots,
    migrationTls: true,
    about: { version: "0.1.0", agentAddresses: [], authorityFingerprint: "", metricsAddress: "" },
    operatorOf: () => "simulation",
  };
  return {
    context,
    hosts: hostHandlers(parts),
    drains: drainHandlers(parts),
    vms: vmHandlers(parts),
    networks: networkHandlers(parts),
    operations: operationHandlers(parts),
    claims: claimHandlers(parts),
    rules: ruleHandlers(parts),
    policy: policyHandlers(parts),
  };
}
