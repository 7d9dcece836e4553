/**
 * The coordinator, whole: what it owns and in which order that starts. Listeners and certificates are `main.ts`'s and
 * the simulation's business; they bring agents' links and people's requests here.
 */
import {
  type AgentMessage,
  type CommandId,
  type CoordinatorMessage,
  type HostId,
  MusterError,
  parseClusterId,
} from "@muster/model";
import {
  Loop,
  type Clock,
  type Link,
  type Log,
  type LoopStatus,
  type Random,
  type Reconciler,
} from "@muster/runtime";
import type { HaParts } from "./api/ha.ts";
import { auditEntry } from "./audit/audit-entry.ts";
import { AuditScope } from "./audit/audit-scope.ts";
import { Contexts } from "./contexts/contexts.ts";
import { KeyRing } from "./contexts/key-ring.ts";
import { EventLog } from "./events/event-log.ts";
import type { Fencing } from "./ha/fencing.ts";
import { haSettings, type HaSettings } from "./ha/ha-settings.ts";
import { Leases } from "./ha/leases.ts";
import { Ledger, put } from "./ledger/ledger.ts";
import { MeasuredVms } from "./observations/measured-vms.ts";
import { Observations } from "./observations/observations.ts";
import { recordTransition } from "./observations/vm-events.ts";
import { allOperations } from "./operations/all-operations.ts";
import { isWanted } from "./operations/operation-state.ts";
import { OperationRunner } from "./operations/operation-runner.ts";
import type { CapacityPolicy } from "./planning/cluster-snapshot.ts";
import { SnapshotKeeper, type Snapshots } from "./planning/snapshot-keeper.ts";
import { cleanHosts } from "./reconcilers/clean-hosts.ts";
import { endLeases } from "./reconcilers/end-leases.ts";
import { expireClaims } from "./reconcilers/expire-claims.ts";
import type { Questions } from "./plans/questions.ts";
import { compactStore } from "./reconcilers/compact-store.ts";
import { expireAudit, type AuditRetention } from "./reconcilers/expire-audit.ts";
import { expirePlans } from "./reconcilers/expire-plans.ts";
import { Rebalancer } from "./reconcilers/rebalance.ts";
import { expireOperations } from "./reconcilers/expire-operations.ts";
import { refreshNetworks } from "./reconcilers/refresh-networks.ts";
import { trackCoordinators } from "./reconcilers/track-coordinators.ts";
import { RecoverHosts } from "./reconcilers/recover-hosts.ts";
import { RestartVms } from "./reconcilers/restart-vms.ts";
import { mayHaveMoved, trackPlacements } from "./reconcilers/track-placements.ts";
import { watchContexts } from "./reconcilers/watch-contexts.ts";
import { watchStuck } from "./reconcilers/watch-stuck.ts";
import { Commands } from "./sessions/commands.ts";
import { Consoles } from "./sessions/consoles.ts";
import type { SessionTimes } from "./sessions/host-session.ts";
import { Sessions } from "./sessions/sessions.ts";
import type { Store } from "./store/store.ts";

export interface CoordinatorParts {
  /** How long and how much of the audit trail is kept; absent: as `expire-audit.ts` says. */
  readonly auditRetention?: AuditRetention;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly times: SessionTimes;
  readonly capacity: CapacityPolicy;
  readonly questions: Questions;
  /** Encrypt migrations that nobody in particular asked for. */
  readonly migrationTls: boolean;
  readonly fencing: Fencing;
  /** Absent: the defaults. */
  readonly ha?: HaSettings;
}

/** A type, not an interface: only then are its values known to be loops. */
type CoordinatorLoops = {
  readonly networks: Loop;
  readonly rebalance: Loop;
  readonly plans: Loop;
  readonly coordinators: Loop;
  readonly compact: Loop;
  readonly claims: Loop;
  readonly clusterLeases: Loop;
  readonly track: Loop;
  readonly expire: Loop;
  readonly stuck: Loop;
  readonly contexts: Loop;
  readonly audit: Loop;
  readonly recoverHosts: Loop;
  readonly restartVms: Loop;
  readonly cleanHosts: Loop;
};

export class Coordinator {
  readonly ledger: Ledger;
  readonly observations: Observations;
  readonly commands: Commands;
  readonly events: EventLog;
  readonly sessions: Sessions;
  readonly runner: OperationRunner;
  readonly consoles: Consoles;
  readonly snapshots: Snapshots;
  readonly rebalancer: Rebalancer;
  readonly leases: Leases;
  readonly fencing: Fencing;
  readonly ha: HaSettings;
  readonly restarts: RestartVms;
  readonly recoveries: RecoverHosts;
  readonly audit = new AuditScope();
  readonly wall: () => Date;
  readonly keyRing: KeyRing;
  readonly contexts: Contexts;
  readonly #loops: CoordinatorLoops;
  readonly #stopping = new AbortController();

  private constructor(parts: CoordinatorParts, ledger: Ledger) {
    const { clock, random, log, times, capacity, questions, migrationTls } = parts;
    this.ledger = ledger;
    this.wall = () => clock.wall();
    const { ha = haSettings } = parts;
    this.ha = ha;
    this.fencing = parts.fencing;
    this.observations = observationsOf(parts, ledger);
    this.leases = new Leases({ ledger, clock, leaseMs: ha.leaseMs });
    this.events = new EventLog(clock);
    this.keyRing = new KeyRing({ seal: parts.fencing.seal, random });
    this.contexts = new Contexts({
      ledger,
      keyRing: this.keyRing,
      events: this.events,
      clock,
      log,
    });
    const isStillWanted = (id: CommandId): boolean => isWanted(id, ledger.view);
    this.commands = new Commands({ clock, isWanted: isStillWanted });
    this.consoles = new Consoles({ clock, random });
    const { observations, events, commands } = this;
    const measured = new MeasuredVms();
    this.snapshots = new SnapshotKeeper({ ledger, observations, measured, capacity });
    const { snapshots } = this;
    this.runner = new OperationRunner({
      ledger,
      observations,
      snapshots,
      questions,
      commands,
      events,
      registry: allOperations({ leases: this.leases, fencing: parts.fencing }),
      detached: (work) => this.audit.outside(work),
      ...{ random, clock, log },
    });
    const { leases, runner } = this;
    const { contexts } = this;
    this.sessions = new Sessions({
      ...{ ledger, observations, commands, leases, contexts, events, clock, times, log },
    });
    const watched = { ledger, observations, runner, events, clock, log };
    this.restarts = new RestartVms({ ...watched, capacity });
    this.recoveries = new RecoverHosts({ ...watched, leases });
    this.rebalancer = new Rebalancer(
      { ...watched, snapshots, questions, migrationTls },
      this.#stopping.signal,
    );
    const loop = (reconciler: Reconciler): Loop => loopOf(reconciler, { clock, log });
    this.#loops = {
      rebalance: loop(this.rebalancer),
      plans: loop(expirePlans({ ledger, clock })),
      claims: loop(expireClaims({ ledger, events, clock })),
      clusterLeases: loop(endLeases(watched)),
      track: loop(trackPlacements({ ledger, observations, events, log })),
      expire: loop(expireOperations({ ledger, clock })),
      coordinators: loop(trackCoordinators({ ledger, members: () => parts.store.members() })),
      compact: loop(compactStore(parts.store)),
      recoverHosts: loop(this.recoveries),
      restartVms: loop(this.restarts),
      cleanHosts: loop(cleanHosts(watched)),
      audit: loop(expireAudit({ ledger, clock, retention: parts.auditRetention })),
      contexts: loop(watchContexts(watched)),
      stuck: loop(watchStuck({ ledger, runner: this.runner, events, log })),
      networks: loop(refreshNetworks(this.sessions)),
    };
    this.#listen();
    this.#keepAudit(clock);
  }

  /** The only coordinator of its store; with others see `roles/member.ts`. */
  static async open(parts: CoordinatorParts): Promise<Coordinator> {
    const ledger = await Ledger.open(parts.store, () => parseClusterId(parts.random.uuid()));
    return new Coordinator(parts, ledger);
  }

  /** Over a copy, which may become the writer. Until then it only shows what is there. */
  static over(ledger: Ledger, parts: CoordinatorParts): Coordinator {
    return new Coordinator(parts, ledger);
  }

  /** Goes on with every operation that has not ended. Call it when this one leads, before agents are let in. */
  start(): void {
    this.observations.begin();
    this.leases.begin();
    this.runner.resume();
    for (const loop of Object.values(this.#loops)) loop.start();
  }

  /** A person's change and its record in the trail are one transaction. */
  #keepAudit(clock: Clock): void {
    let last = 0;
    this.ledger.auditBy(() => {
      const { author } = this.audit;
      if (author === undefined) return undefined;
      return (changes, before) => {
        const at = clock.wall();
        // In order also when the clock jumps back; after a restart, the time.
        last = Math.max(last + 1, at.getTime() * 1_000);
        const id = String(last).padStart(17, "0");
        const entry = auditEntry(author, changes, { id, at, before });
        return entry === undefined ? [] : [put("audit", entry)];
      };
    });
  }

  #listen(): void {
    const { ledger, observations, events } = this;
    observations.listen({
      vmChanged: (transition) => {
        recordTransition(transition, ledger.view, events);
        if (mayHaveMoved(transition)) this.#loops.track.poke();
        if (this.restarts.concerns(transition)) this.#loops.restartVms.poke();
      },
      hostChanged: () => {
        this.#loops.recoverHosts.poke();
      },
    });
  }

  /** Serves one agent that was authenticated as this host, until its session is over. */
  serveAgent(hostId: HostId, link: Link<CoordinatorMessage, AgentMessage>): Promise<void> {
    return this.sessions.serve(hostId, link);
  }

  /** What people are told of high availability. */
  get haParts(): HaParts {
    const { recoveries, restarts, ledger, ha: settings } = this;
    // A standby hears no host: it does not know what comes next.
    const nothing = { kind: "none" } as const;
    return {
      settings,
      restarts: {
        stepFor: (vm) => (ledger.isLeading ? restarts.stepFor(vm) : nothing),
        refusalOf: (vmId) => restarts.refusalOf(vmId),
      },
      brake: () => (ledger.isLeading ? recoveries.brake() : undefined),
      nextForHost: (host) => (ledger.isLeading ? recoveries.shownStepFor(host) : nothing),
    };
  }

  loopStatus(): readonly LoopStatus[] {
    return Object.values(this.#loops).map((loop) => loop.status());
  }

  /** VMs run on; what is under way goes on after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort(new MusterError("interrupted", "the coordinator stops"));
    this.sessions.stop();
    await this.runner.stop();
    await Promise.all(Object.values(this.#loops).map((loop) => loop.stop()));
  }
}

const observationsOf = (
  { clock, ha = haSettings }: CoordinatorParts,
  { view }: Ledger,
): Observations =>
  new Observations(clock, {
    lostAfterMs: ha.lostAfterMs,
    mtuOf: (name) => view.networks.get(name)?.spec.mtu,
  });

const loopOf = (
  reconciler: Reconciler,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Loop =>
  new Loop({
    reconciler,
    clock,
    onFailure: (error) => {
      log.error({ loop: reconciler.name, err: error }, "a reconciler's pass failed");
    },
  });
