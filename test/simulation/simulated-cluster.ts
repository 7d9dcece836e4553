/**
 * A whole cluster in one process and in simulated time: the production coordinator, agents, planner, operations,
 * journal and store, on simulated hypervisors, disks, networks, clocks and links. The same seed gives the same history.
 */
import { SimulatedLibrary, SimulatedWorld, type FileJournal } from "@muster/agent/simulated";
import {
  answeredAtOnce,
  Coordinator,
  put,
  SqliteStore,
  type CapacityPolicy,
  type LedgerView,
  type Store,
} from "@muster/coordinator";
import { GIB, MusterError, parseHostId } from "@muster/model";
import {
  seededRandom,
  SimulatedClock,
  type FenceOrder,
  type FenceOutcome,
  type Log,
  type Random,
} from "@muster/runtime";
import { cutOffByNetworks, enrolledHost } from "./enrolment.ts";
import { Guard } from "./invariants/guard.ts";
import { LedgerWatch } from "./invariants/ledger-watch.ts";
import { NetworkWatch } from "./invariants/network-watch.ts";
import { SecretWatch } from "./invariants/secret-watch.ts";
import { Life } from "./life.ts";
import { Machine } from "./machine.ts";
import { personsApi } from "./persons-api.ts";
import { processLog } from "./process-log.ts";
import { ProcessClock } from "./process-clock.ts";
import { simulatedFencing } from "./simulated-fencing.ts";
import { SimulatedNetwork, type Connection } from "./simulated-network.ts";
import { unreliableStore, type StoreTrouble } from "./unreliable-store.ts";
import type { Act } from "./watched-hypervisor.ts";

interface RunningCoordinator {
  readonly coordinator: Coordinator;
  readonly life: Life;
}

export interface SimulatedClusterOptions {
  readonly seed: number;
  readonly hosts: number;
  readonly cpusPerHost?: number;
  readonly memoryBytesPerHost?: bigint;
  /** Clocks that run at different rates, and a store whose writes take time. */
  readonly isRough?: boolean;
  /** Timeout of every host's watchdog; absent: they have none. */
  readonly watchdogMs?: number;
  /** Hears what every process logs, with the simulated time. */
  readonly onLog?: (line: string) => void;
}

/** Samples are only for people: fewer of them make long histories cheaper. */
const times = {
  heartbeatIntervalMs: 5_000,
  fullReportIntervalMs: 60_000,
  sampleIntervalMs: 30_000,
};

/** Real clocks are a thousand times better; a difference has to show within minutes here. */
const CLOCK_ERROR_MAX = 0.01;

export class SimulatedCluster implements AsyncDisposable {
  readonly clock = new SimulatedClock();
  readonly random: Random;
  readonly world: SimulatedWorld;
  readonly library = new SimulatedLibrary();
  readonly network: SimulatedNetwork;
  readonly guard: Guard;
  readonly ledgerWatch: LedgerWatch;
  readonly networkWatch = new NetworkWatch();
  readonly secrets = new SecretWatch();
  readonly questions = answeredAtOnce(this.clock);
  readonly capacity: CapacityPolicy = {
    ...{ cpuOvercommit: 4, memoryReservedBytes: GIB, vmsPerHostMax: 100 },
  };
  /** A "plug" names the host whose power it switches; a test may break devices. */
  readonly fencing = simulatedFencing((order) => this.#fence(order));
  areFenceDevicesBroken = false;
  readonly coordinatorClock: ProcessClock;
  readonly storeTrouble: StoreTrouble = { isFull: false };
  readonly #store: Store;
  readonly #options: SimulatedClusterOptions;
  readonly database = SqliteStore.open(":memory:");
  readonly #machines = new Map<string, Machine>();
  /** Agents that die so long after their next act. */
  readonly #doomed = new Map<string, number>();
  #running: RunningCoordinator | undefined;
  #isStarting = false;
  #lastView: LedgerView | undefined;

  private constructor(options: SimulatedClusterOptions) {
    this.#options = options;
    const { clock } = this;
    // Streams of chance of their own: one more question asked of one does not change the others.
    const random = seededRandom(options.seed);
    const stream = (): Random => seededRandom(Math.floor(random.fraction() * 2 ** 32));
    this.random = stream();
    this.world = new SimulatedWorld({ clock, random: stream() });
    this.network = new SimulatedNetwork({ clock, random: stream() });
    const isSlow = options.isRough === true;
    const { storeTrouble: trouble } = this;
    const saw = (text: string): void => {
      this.secrets.saw("the store", text);
    };
    const chance = stream();
    this.#store = unreliableStore(this.database, { clock, random: chance, isSlow, trouble, saw });
    this.coordinatorClock = new ProcessClock(clock, this.#clockRate());
    this.ledgerWatch = new LedgerWatch({ world: this.world, clock, capacity: this.capacity });
    this.guard = new Guard({
      entriesOf: (host) => this.#machine(host).journal?.entries() ?? [],
      view: () => this.#lastView,
      isWild: ({ host, vmId }) =>
        this.world
          .domains(host, this.#clusterId())
          .some(({ id, managed }) => id === vmId && !managed),
      nowMs: () => clock.now(),
    });
  }

  /** Hosts h1, h2, … are enrolled and their agents run. */
  static async start(options: SimulatedClusterOptions): Promise<SimulatedCluster> {
    const cluster = new SimulatedCluster(options);
    await cluster.#meanwhile(cluster.startCoordinator());
    for (let number = 1; number <= options.hosts; number += 1) {
      await cluster.#meanwhile(cluster.#addHost(`h${String(number)}`));
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

  /** What is decided, as the coordinator has it or had it when it died. */
  get lastView(): LedgerView | undefined {
    return this.#lastView;
  }

  isAgentUp(host: string): boolean {
    return this.#machine(host).isAgentUp;
  }

  journalOf(host: string): Pick<FileJournal, "entries"> {
    return { entries: () => this.#machine(host).journal?.entries() ?? [] };
  }

  networksOf(host: string): Machine["networks"] {
    return this.#machine(host).networks;
  }

  diskOf(host: string): Machine["disk"] {
    return this.#machine(host).disk;
  }

  clockOf(host: string): ProcessClock {
    return this.#machine(host).clock;
  }

  /** S7 is about how long something lasts: this is to be called at every step. */
  lookAtNetworks(): void {
    const hosts = [...this.#machines.values()].map(({ name, networks, agent }) => {
      return { name, isCutOff: networks.isCutOff, agent };
    });
    this.networkWatch.look(hosts, this.clock.now());
  }

  /** The agent of this host dies just after it next has something done to a VM. */
  killAgentAtAct(host: string, delayMs: number): void {
    this.#doomed.set(host, delayMs);
  }

  spareAgent(host: string): void {
    this.#doomed.delete(host);
  }

  #saw(act: Act): void {
    this.guard.saw(act);
    const delayMs = this.#doomed.get(act.host);
    if (delayMs === undefined) return;
    this.#doomed.delete(act.host);
    void this.clock.sleep(delayMs).then(() => this.killAgent(act.host));
  }

  async startCoordinator(): Promise<void> {
    if (this.#running !== undefined || this.#isStarting) return;
    this.#isStarting = true;
    const life = new Life();
    const coordinator = await Coordinator.open({
      store: life.bind(this.#store),
      clock: life.clock(this.coordinatorClock),
      random: this.random,
      log: this.#logOf("coordinator"),
      times,
      capacity: this.capacity,
      questions: this.questions,
      migrationTls: true,
      fencing: this.fencing,
    }).finally(() => {
      this.#isStarting = false;
    });
    this.#running = { coordinator, life };
    this.#lastView = coordinator.ledger.view;
    this.ledgerWatch.follow(coordinator);
    coordinator.start();
  }

  /** kill -9. */
  killCoordinator(): void {
    this.#running?.life.end();
    this.#running = undefined;
    for (const machine of this.#machines.values()) machine.cutConnection();
  }

  async startAgent(host: string): Promise<void> {
    const clusterId = this.#clusterId();
    if (clusterId === undefined) throw new Error("there was never a coordinator");
    await this.#machine(host).startAgent(clusterId);
  }

  /** kill -9. */
  async killAgent(host: string): Promise<void> {
    await this.#machine(host).killAgent();
  }

  /** Power cut: the agent, libvirt and every VM on it die, and what no disk had synchronised. */
  async powerCut(host: string): Promise<void> {
    await this.#machine(host).powerCut();
  }

  watchdogOf(host: string): Machine["watchdog"] {
    return this.#machine(host).watchdog;
  }

  /** Everything on it stands still: it says nothing and does nothing, and its VMs keep their disks. */
  freeze(host: string): void {
    this.cutOff(host);
    this.world.libvirtd(host, "freeze");
    this.#machine(host).freeze();
  }

  /** It goes on where it stood; the process that comes back knows no more than what it had kept. */
  async thaw(host: string): Promise<void> {
    this.reconnect(host);
    if (!this.world.host(host).isPowered) return;
    this.world.libvirtd(host, "thaw");
    await this.killAgent(host);
    await this.startAgent(host);
  }

  async #fence({ action, parameters }: FenceOrder): Promise<FenceOutcome> {
    const host = parameters["plug"] ?? "";
    if (this.areFenceDevicesBroken) {
      throw new MusterError("unreachable", "the management board does not answer");
    }
    if (action === "off") await this.powerCut(host);
    return { power: this.world.host(host).isPowered ? "on" : "off" };
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

  /** One that has cut itself off by its networks has to mend that itself. */
  reconnect(host: string): void {
    if (!this.networksOf(host).isCutOff) this.network.reconnect(host);
    this.world.rejoin(host);
  }

  /** As `muster-agent join` would, after the host was removed. */
  async enrolAgain(host: string): Promise<void> {
    const machine = this.#machine(host);
    await machine.killAgent();
    machine.enrolAs(parseHostId(this.random.uuid()));
    await this.#enrol(machine);
    await this.startAgent(host);
  }

  /** The public API, as a person at the coordinator would use it. */
  get api(): ReturnType<typeof personsApi> {
    const { random, capacity, questions, coordinatorClock: clock } = this;
    return personsApi(this.coordinator, { clock, random, capacity, questions });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.killCoordinator();
    for (const host of this.hostNames) await this.killAgent(host);
    await this.world[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
  }

  #logOf(process: string): Log {
    const { clock, secrets } = this;
    return processLog(process, { clock, secrets, onLog: this.#options.onLog });
  }

  #clockRate(): number {
    if (this.#options.isRough !== true) return 1;
    return 1 + (2 * this.random.fraction() - 1) * CLOCK_ERROR_MAX;
  }

  #machine(host: string): Machine {
    const machine = this.#machines.get(host);
    if (machine === undefined) throw new Error(`there is no host ${host}`);
    return machine;
  }

  #clusterId() {
    return this.#lastView?.cluster.id;
  }

  async #addHost(name: string): Promise<void> {
    this.world.addHost({
      name,
      cpus: this.#options.cpusPerHost ?? 8,
      memoryBytes: this.#options.memoryBytesPerHost ?? 16n * GIB,
    });
    const machine: Machine = new Machine({
      name,
      id: parseHostId(this.random.uuid()),
      clock: this.clock,
      random: this.random,
      clockRate: this.#clockRate(),
      world: this.world,
      log: this.#logOf(name),
      onAct: (act) => {
        this.#saw(act);
      },
      commands: this.guard.commands,
      wrote: (text) => {
        this.secrets.saw(`the journal of ${name}`, text);
      },
      dial: (): Connection => this.#dial(machine),
      fence: this.fencing.runner,
      library: this.library,
      ...(this.#options.watchdogMs === undefined ? {} : { watchdogMs: this.#options.watchdogMs }),
    });
    this.#machines.set(name, machine);
    cutOffByNetworks(machine, this.network);
    await this.#enrol(machine);
    await this.startAgent(name);
  }

  async #enrol({ id, name }: Machine): Promise<void> {
    const record = enrolledHost(id, name, this.clock.wall());
    await this.coordinator.ledger.transact(() => ({
      changes: [put("host", record)],
      result: undefined,
    }));
  }

  /** Lets time pass until it is done: a slow store answers only then. */
  async #meanwhile(work: Promise<void>): Promise<void> {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    work.then(done, done);
    await this.clock.runUntil(() => isDone, 60_000);
    await work;
  }

  /** As the front door: whoever is not in the ledger is turned away (S6). */
  #dial(machine: Machine): Connection {
    if (this.#running === undefined || this.network.isCutOff(machine.name)) {
      throw new MusterError("unreachable", "the coordinator does not answer");
    }
    const { coordinator } = this.#running;
    if (!coordinator.ledger.view.hosts.has(machine.id)) {
      throw new MusterError("forbidden", "this host was removed from the cluster");
    }
    const connection = this.network.connect(machine.name);
    coordinator.serveAgent(machine.id, connection.coordinatorEnd).catch(() => {
      // As the front door does it: whoever cannot be served is told so.
      connection.cut();
    });
    return connection;
  }
}
