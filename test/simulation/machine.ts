/** One simulated host: what outlives its agent, and the agent while it runs. */
import { Agent, type AgentParts } from "@muster/agent";
import {
  collectInventory,
  FileJournal,
  KeptNetworkMemory,
  MemoryAssignmentStore,
  MemoryBootStore,
  MemoryLease,
  noStorageHeartbeats,
  SimulatedHostNetworks,
  SimulatedHypervisor,
  SimulatedImageCache,
  type SimulatedLibrary,
  SimulatedNetworkDriver,
  SimulatedWatchdog,
  type SimulatedWorld,
} from "@muster/agent/simulated";
import { MusterError, type ClusterId, type HostId } from "@muster/model";
import { seededRandom, type Clock, type FenceRunner, type Log, type Random } from "@muster/runtime";
import type { CommandWatch } from "./invariants/command-watch.ts";
import { Life } from "./life.ts";
import { ProcessClock } from "./process-clock.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import type { Connection } from "./simulated-network.ts";
import { watchedHypervisor, type Act } from "./watched-hypervisor.ts";

export interface MachineParts {
  readonly name: string;
  readonly id: HostId;
  readonly clock: Clock;
  readonly random: Random;
  /** Of its clock. */
  readonly clockRate: number;
  readonly world: SimulatedWorld;
  readonly log: Log;
  readonly onAct: (act: Act) => void;
  readonly commands: CommandWatch;
  /** Something was written to its disk. */
  readonly wrote: (text: string) => void;
  readonly dial: () => Connection;
  /** What lies at URLs. */
  readonly library: SimulatedLibrary;
  /** Switches the power of other machines. */
  readonly fence: FenceRunner;
  /** Timeout of its watchdog; absent: it has none. */
  readonly watchdogMs?: number;
}

interface RunningAgent {
  readonly agent: Agent;
  readonly life: Life;
  readonly hypervisor: SimulatedHypervisor;
  readonly journal: FileJournal;
  connection?: Connection;
}

export class Machine {
  readonly name: string;
  readonly networks = new SimulatedHostNetworks();
  readonly disk: SimulatedDisk;
  readonly clock: ProcessClock;
  readonly #parts: MachineParts;
  readonly #assignments = new MemoryAssignmentStore();
  readonly #boots = new MemoryBootStore();
  readonly #networkMemory = new KeptNetworkMemory();
  readonly #random: Random;
  readonly watchdog: SimulatedWatchdog | undefined;
  /** Gone with the boot. */
  #lease = new MemoryLease();
  #id: HostId;
  #running: RunningAgent | undefined;
  #isStarting = false;
  #lastJournal: FileJournal | undefined;

  constructor(parts: MachineParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.#id = parts.id;
    this.#random = seededRandom(Math.floor(parts.random.fraction() * 2 ** 32));
    this.clock = new ProcessClock(parts.clock, parts.clockRate);
    const { watchdogMs } = parts;
    if (watchdogMs !== undefined) {
      this.watchdog = new SimulatedWatchdog({
        clock: parts.clock,
        timeoutMs: watchdogMs,
        // It resets the machine; a while later somebody boots it.
        fire: () => {
          void this.powerCut();
        },
      });
    }
    const path = `/${parts.name}/journal`;
    this.disk = new SimulatedDisk({ path, random: this.#random, wrote: parts.wrote });
  }

  get id(): HostId {
    return this.#id;
  }

  /** Neither killed nor frozen. */
  get isAgentUp(): boolean {
    return this.#running?.life.isOver === false;
  }

  /** As the agent has it now, or as the last one left it. */
  get journal(): Pick<FileJournal, "entries"> | undefined {
    return this.#running?.journal ?? this.#lastJournal;
  }

  /** Another one after every start. */
  get agent(): object | undefined {
    return this.#running?.agent;
  }

  /** The same machine, enrolled again after it was removed: a new host with an empty data directory. */
  enrolAs(id: HostId): void {
    this.#id = id;
  }

  async startAgent(clusterId: ClusterId): Promise<void> {
    if (this.#running !== undefined || this.#isStarting) return;
    this.#isStarting = true;
    try {
      await this.#start(clusterId);
    } finally {
      this.#isStarting = false;
    }
  }

  async #start(clusterId: ClusterId): Promise<void> {
    const life = new Life();
    const journal = await FileJournal.on(life.bind(this.disk));
    const hypervisor = new SimulatedHypervisor({
      world: this.#parts.world,
      host: this.name,
      clusterId: () => clusterId,
    });
    const running: RunningAgent = {
      life,
      hypervisor,
      journal,
      agent: new Agent(this.#agentParts({ life, journal, hypervisor, clusterId })),
    };
    this.#running = running;
    this.#lastJournal = journal;
    this.#parts.commands.agentStarted(this.name);
    await running.agent.start();
  }

  /** kill -9. */
  async killAgent(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.life.end();
    running.connection?.cut();
    await running.hypervisor[Symbol.asyncDispose]();
  }

  async powerCut(): Promise<void> {
    await this.killAgent();
    this.#parts.world.powerCut(this.name);
    this.networks.reboot();
    this.disk.powerCut();
    this.watchdog?.disarm();
    this.#lease = new MemoryLease();
  }

  /** Its processes stand still, for good as far as they know: `thaw` is a new agent that knows what was kept. */
  freeze(): void {
    this.#running?.life.end();
  }

  /** The other end of its connection died. */
  cutConnection(): void {
    this.#running?.connection?.cut();
  }

  #agentParts(own: {
    readonly life: Life;
    readonly journal: FileJournal;
    readonly hypervisor: SimulatedHypervisor;
    readonly clusterId: ClusterId;
  }): AgentParts {
    const { life, journal, hypervisor, clusterId } = own;
    const system = this.#parts.world.system(this.name);
    return {
      clock: life.clock(this.clock),
      random: this.#random,
      log: this.#parts.log,
      hypervisor: watchedHypervisor(hypervisor, this.name, (act) => {
        // What a dead agent still thinks of reaches nobody.
        if (!life.isOver) this.#parts.onAct(act);
      }),
      networks: life.bind(new SimulatedNetworkDriver(this.networks)),
      images: new SimulatedImageCache({
        host: this.name,
        library: this.#parts.library,
        disk: this.#parts.library.diskOf(this.name),
        clock: life.clock(this.clock),
      }),
      journal: this.#parts.commands.watched(this.name, journal),
      assignments: life.bind(this.#assignments),
      networkMemory: life.bind(this.#networkMemory),
      dialer: {
        dial: async () => {
          if (life.isOver || this.#running === undefined) return new Promise(() => undefined);
          const connection = this.#parts.dial();
          this.#running.connection = connection;
          return connection.agentEnd;
        },
        openBulk: async () => {
          throw new MusterError("unreachable", "simulated agents carry no consoles");
        },
      },
      inventory: () => collectInventory({ hypervisor, system, agentVersion: "0.1.0" }),
      load: () => system.readLoad(),
      guarding: {
        ...(this.watchdog === undefined ? {} : { watchdog: this.watchdog }),
        bootClock: {
          bootId: this.#parts.world.host(this.name).bootId,
          uptimeMs: () => this.clock.now(),
        },
        leases: life.bind(this.#lease),
        boots: life.bind(this.#boots),
        fence: this.#parts.fence,
        storageHeartbeats: noStorageHeartbeats,
      },
      clusterId,
      agentVersion: "0.1.0",
      agentIncarnation: this.#random.uuid(),
      migrationAddress: this.name,
      metricsAddress: "",
    };
  }
}
