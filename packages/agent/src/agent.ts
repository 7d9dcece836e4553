/**
 * The agent, whole: what it owns and in which order that starts. Everything it touches is a port, so the same agent
 * runs on libvirt and in a simulated cluster.
 */
import type {
  AgentMessage,
  CoordinatorMessage,
  HostInventory,
  NetworkObservation,
  VmId,
} from "@muster/model";
import type { LoopStatus } from "@muster/runtime";
import { applyAssignments, type Assigned } from "./assignments/assigned.ts";
import { CommandRunner } from "./commands/command-runner.ts";
import { ArrivalMeter } from "./arrivals/arrival-meter.ts";
import { AgentNetworks } from "./agent-networks.ts";
import type { AgentParts } from "./agent-parts.ts";
import { makeLoops, paceAtStart, type AgentLoops } from "./agent-loops.ts";
import { AutostartTask } from "./autostart/autostart-task.ts";
import { Guard } from "./guard/guard.ts";
import { Guests } from "./seeds/guests.ts";
import { cleanInBackground, summaryOf } from "./images/clean-images.ts";
import type { AgentSummary } from "./metrics/summary.ts";
import type { ProbedPaths } from "./probes/network-prober.ts";
import { watchChanges } from "./reports/change-watcher.ts";
import { Reporter } from "./reports/reporter.ts";
import {
  Session,
  type CoordinatorOrder,
  type SessionHandlers,
  type SessionState,
} from "./session/session.ts";

/** libvirt that takes longer than this for a cheap question is reported as not answering. */
const LIBVIRT_ANSWER_MS = 2_000;

/** Pause before a report that failed is tried again. */
const REPORT_AGAIN_MS = 1_000;

type AgentCounters = Pick<
  AgentSummary,
  | "version"
  | "sessions"
  | "reportsSent"
  | "messagesReceived"
  | "commandsRunning"
  | "commandsEnded"
  | "journalEntries"
  | "images"
>;

export class Agent {
  readonly #parts: AgentParts;
  readonly #stop = new AbortController();
  readonly #reporter: Reporter;
  readonly #commands: CommandRunner;
  readonly #session: Session;
  readonly #networks: AgentNetworks;
  readonly #guard: Guard;
  readonly #arrivals: ArrivalMeter | undefined;
  readonly #autostart: AutostartTask;
  readonly #guests: Guests;
  readonly #loops: AgentLoops;
  #assigned: Assigned | undefined;
  #inventory: HostInventory | undefined;
  #reportDue = true;
  #pace = paceAtStart;
  #isLibvirtAlive = true;
  #messagesReceived = 0;
  #watching: Promise<void> = Promise.resolve();
  #guarding: Promise<void> = Promise.resolve();
  #starting: Promise<void> = Promise.resolve();

  constructor(parts: AgentParts) {
    this.#parts = parts;
    const { clock, log, hypervisor, images, journal, dialer, guarding } = parts;
    const assigned = (): Assigned | undefined => this.#assigned;
    this.#guard = new Guard({ ...guarding, hypervisor, assigned, clock, log });
    this.#networks = this.#makeNetworks();
    this.#reporter = new Reporter({
      watch: hypervisor.watch,
      inventory: () => this.#knownInventory(),
      load: parts.load,
      networks: () => this.#networks.keeper.observed,
      hostNetwork: () => this.#networks.keeper.hostNetwork,
      runningCommandIds: () => this.#commands.runningIds,
      log,
    });
    this.#session = new Session({
      dialer,
      clock,
      random: parts.random,
      log,
      clusterId: parts.clusterId,
      hello: {
        agentVersion: parts.agentVersion,
        agentIncarnation: parts.agentIncarnation,
        migrationAddress: parts.migrationAddress,
        metricsAddress: parts.metricsAddress,
      },
      handlers: this.#sessionHandlers(),
    });
    const { plugs: networks, takenAddresses } = this.#networks;
    this.#arrivals = meterOf(parts);
    const send = (message: AgentMessage): void => {
      this.#session.send(message);
    };
    this.#guests = new Guests({ hypervisor, assigned, send, clock, log });
    this.#commands = new CommandRunner({
      seeds: this.#guests.seeds,
      hypervisor,
      networks,
      images,
      ...(this.#arrivals === undefined ? {} : { arrivals: this.#arrivals }),
      ...(takenAddresses === undefined ? {} : { takenAddresses }),
      bulk: dialer,
      clock,
      journal,
      log,
      fence: guarding.fence,
      storageHeartbeats: guarding.storageHeartbeats,
      assignedNetwork: (name) => this.#networks.keeper.network(name),
      clusterId: () => parts.clusterId,
      send,
      ended: (vmId) => {
        this.#reporter.reportVm(vmId, () => undefined);
      },
    });
    this.#autostart = new AutostartTask({
      ...{ hypervisor, networks, assigned, clock, log },
      restoreNetworks: () => this.#networks.keeper.restore(),
      boots: guarding.boots,
      bootId: guarding.bootClock.bootId,
      assignedNetwork: (name) => this.#networks.keeper.network(name),
    });
    this.#loops = this.#makeLoops();
  }

  /** Resolves once everything runs; the session is dialled in the background. */
  async start(): Promise<void> {
    const { assignments, hypervisor, clock, log } = this.#parts;
    this.#assigned = await assignments.load();
    await this.#guard.resume();
    this.#commands.resume();
    this.#parts.dhcp?.onEnded(() => this.#loops.dhcp?.poke());
    for (const loop of Object.values(this.#loops)) loop.start();
    const watch = { watch: hypervisor.watch, reporter: this.#reporter, clock, log };
    this.#watching = watchChanges(
      {
        ...watch,
        onChange: (vmId) => this.#arrivals?.changed(vmId),
        onGap: () => {
          this.reportSoon();
        },
      },
      this.#stop.signal,
    );
    this.#guarding = this.#networks.watchPorts(() => {
      this.#loops.guards?.poke();
    }, this.#stop.signal);
    this.#starting = this.#autostart.run(this.#stop.signal);
    this.#session.start();
  }

  /** Stops what the agent does. VMs run on, and so do migrations: the next agent finds them again. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("the agent stops"));
    await this.#guard.release(() => {
      this.#session.beatNow(this.#isLibvirtAlive);
    });
    await this.#session.stop();
    await Promise.all(Object.values(this.#loops).map((loop) => loop.stop()));
    await this.#guests.reports.stop();
    await Promise.all([this.#watching, this.#guarding, this.#starting, this.#networks.stop()]);
  }

  /** Pokes: they carry no data and do no work. */
  reportSoon(): void {
    this.#reportDue = true;
    this.#loops.report.poke();
  }

  refreshInventory(): void {
    this.#loops.inventory.poke();
  }

  keepNetworks(): void {
    this.#loops.networks.poke();
    this.#loops.probes?.poke();
    this.#loops.guards?.poke();
    this.#loops.dhcp?.poke();
  }

  /** Images that nobody needs any more, and the inventory: the next report collects it anew. */
  cleanCaches(): void {
    this.refreshInventory();
    cleanInBackground(this.#parts, this.#assigned?.vms);
  }

  get networks(): readonly NetworkObservation[] {
    return this.#networks.keeper.observed;
  }

  /** To other hosts, as the last round of probes found them. */
  get paths(): readonly ProbedPaths[] {
    return this.#networks.paths;
  }

  /** NICs that may not forge addresses. */
  get guardedNics(): AgentSummary["guardedNics"] {
    return this.#networks.guardedNics;
  }

  get dhcpNetworks(): AgentSummary["dhcpNetworks"] {
    return this.#networks.dhcpNetworks;
  }

  /** 0: no watchdog is armed. */
  get watchdogTimeoutMs(): number {
    return this.#guard.watchdogTimeoutMs;
  }

  get hasLease(): boolean {
    return this.#guard.hasLease;
  }

  get isLibvirtAlive(): boolean {
    return this.#isLibvirtAlive;
  }

  /** Since the agent started. */
  get counters(): AgentCounters {
    return {
      version: this.#parts.agentVersion,
      sessions: this.#session.opened,
      reportsSent: this.#reporter.sent,
      messagesReceived: this.#messagesReceived,
      commandsRunning: this.#commands.runningIds.length,
      commandsEnded: this.#commands.ended,
      journalEntries: this.#parts.journal.entries().length,
      images: summaryOf(this.#parts.images),
    };
  }

  get state(): SessionState {
    return this.#session.state;
  }

  get heartbeats(): Session["heartbeats"] {
    return this.#session.heartbeats;
  }

  get reporter(): Reporter {
    return this.#reporter;
  }

  loopStatus(): readonly LoopStatus[] {
    return Object.values(this.#loops).map((loop) => loop.status());
  }

  #makeLoops(): AgentLoops {
    const { clock, log, hypervisor } = this.#parts;
    return makeLoops({
      clock,
      log,
      ...this.#networks.reconcilers,
      guard: this.#guard,
      guestReports: this.#guests.reports,
      pace: () => this.#pace,
      report: () => this.#report(),
      sample: async () => {
        this.#reporter.sampled(await hypervisor.watch.sample());
      },
      inventory: async () => {
        this.#inventory = await this.#parts.inventory();
      },
    });
  }

  #sessionHandlers(): SessionHandlers {
    const { watch } = this.#parts.hypervisor;
    return {
      opened: async (welcome, send) => {
        this.#pace = welcome;
        this.#opened(send);
      },
      received: (message) => this.#received(message),
      closed: () => {
        this.#commands.sessionClosed();
        this.#reporter.close();
      },
      isLibvirtAlive: async () => {
        this.#isLibvirtAlive = await watch.isAlive(LIBVIRT_ANSWER_MS);
        return this.#isLibvirtAlive;
      },
      reportSequence: () => this.#reporter.sequence,
      leaseRequest: (leaseMs) => this.#guard.request(leaseMs),
    };
  }

  #opened(send: (message: AgentMessage) => void): void {
    this.#reporter.open(send);
    this.#commands.sessionOpened();
    this.#networks.sessionOpened();
    this.#guests.sessionOpened();
    this.reportSoon();
    this.keepNetworks();
  }

  async #received(message: CoordinatorOrder): Promise<void> {
    this.#messagesReceived += 1;
    switch (message.kind) {
      case "assignments":
        return this.#assign(message);
      case "command":
        return this.#commands.receive(message);
      case "cancel":
        return this.#commands.cancel(message.commandId);
      case "acknowledge":
        return this.#commands.acknowledge(message.commandId);
      case "confirm-network":
        return this.#networks.keeper.heard(message);
      case "request-report":
        return this.reportSoon();
      case "lease-renewed":
        return this.#guard.granted(message.number);
      case "seed":
      case "guest-report-recorded":
        return this.#guests.received(message);
    }
  }

  async #assign(message: Extract<CoordinatorMessage, { kind: "assignments" }>): Promise<void> {
    const { assignments, dialer, log } = this.#parts;
    const next = applyAssignments(this.#assigned, message);
    if (next === undefined) {
      // The chain is broken: a new session begins with everything.
      throw new Error(
        `assignments for revision ${String(message.appliesTo)} do not fit what this agent has`,
      );
    }
    this.#assigned = next;
    await assignments.save(next);
    if (message.coordinators !== undefined) await dialer.learn?.(message.coordinators);
    log.info(
      { revision: String(next.revision), networks: next.networks.length, vms: next.vms.length },
      "assignments changed",
    );
    this.keepNetworks();
    this.#loops.guard.poke();
    this.#loops.guestReports.poke();
  }

  async #knownInventory(): Promise<HostInventory> {
    this.#inventory ??= await this.#parts.inventory();
    return { ...this.#inventory, images: this.#parts.images.report() };
  }

  #makeNetworks(): AgentNetworks {
    return new AgentNetworks({
      ...this.#parts,
      assigned: () => this.#assigned,
      isHeard: () => this.#session.isLive,
      send: (message) => {
        this.#session.send(message);
      },
      onChange: () => {
        this.reportSoon();
        this.#loops.probes?.poke();
        this.#loops.guards?.poke();
        this.#loops.dhcp?.poke();
      },
    });
  }

  async #report(): Promise<void> {
    this.#reportDue = false;
    try {
      await this.#reporter.reportFully();
    } catch (error) {
      this.#reportDue = true;
      await this.#parts.clock
        .sleep(REPORT_AGAIN_MS, this.#stop.signal)
        .catch((stopped: unknown) => {
          if (!this.#stop.signal.aborted) throw stopped;
        });
      throw error;
    } finally {
      if (this.#reportDue && !this.#stop.signal.aborted) this.#loops.report.poke();
    }
  }
}

function meterOf({ arriving, hypervisor, clock, log }: AgentParts): ArrivalMeter | undefined {
  if (arriving === undefined) return undefined;
  const observe = (vmId: VmId) => hypervisor.watch.observe(vmId);
  return new ArrivalMeter({ ...arriving, observe, clock, log });
}
