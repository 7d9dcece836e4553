/** Who is connected. One session a host; the newest wins, because an agent that reconnects is the one that lives. */
import {
  MusterError,
  type AgentMessage,
  type CoordinatorMessage,
  type HaMode,
  type HostId,
  type HostNetworkObservation,
  type ProbeAssignment,
} from "@muster/model";
import { mapLink, type Clock, type Link, type Log } from "@muster/runtime";
import type { Contexts } from "../contexts/contexts.ts";
import type { EventLog } from "../events/event-log.ts";
import { put, type AppliedChange, type Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import { hostsOf } from "../ledger/vms-by-host.ts";
import type { SessionSummary } from "../metrics/summary.ts";
import { forgetOff } from "../ha/host-off.ts";
import { haSwitchOf } from "../ha/ha-switch.ts";
import type { Leases } from "../ha/leases.ts";
import type { Observations } from "../observations/observations.ts";
import { hostNetworkOf, shouldHave } from "../planning/host-network.ts";
import { planProbes } from "../planning/plan-probes.ts";
import type { Commands } from "./commands.ts";
import { HostSession, type SessionTimes } from "./host-session.ts";
import { NetworkAttempts } from "./network-attempts.ts";
import { SilenceWatch } from "./silence-watch.ts";

type AgentLink = Link<CoordinatorMessage, AgentMessage>;

interface Traffic {
  received: number;
  sent: number;
  sessions: number;
}

const noTraffic: Readonly<Traffic> = { received: 0, sent: 0, sessions: 0 };

export interface SessionsParts {
  readonly ledger: Ledger;
  readonly observations: Observations;
  readonly commands: Commands;
  readonly leases: Leases;
  readonly contexts: Contexts;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly times: SessionTimes;
  readonly log: Log;
}

export class Sessions {
  readonly #parts: SessionsParts;
  readonly #sessions = new Map<HostId, HostSession>();
  readonly #traffic = new Map<HostId, Traffic>();
  readonly #silence: SilenceWatch;
  readonly #attempts: NetworkAttempts;
  #probes: ReadonlyMap<HostId, readonly ProbeAssignment[]> = new Map();
  #areProbesDue = true;
  readonly #stopListening: () => void;
  /** Last told; undefined: nobody was told anything yet. */
  #mode: HaMode | undefined;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#attempts = new NetworkAttempts(parts.clock);
    this.#silence = new SilenceWatch(parts.clock, parts.times.heartbeatIntervalMs);
    this.#stopListening = parts.ledger.onChange((changes) => {
      const kinds = new Set(changes.map((change) => change.kind));
      const isAboutAll = sharedKinds.some((kind) => kinds.has(kind)) || this.#isSwitched();
      this.#refresh(
        isAboutAll ? this.#sessions.keys() : hostsConcerned(changes, parts.ledger.view),
      );
      if (isAboutAll || kinds.has("host")) this.#areProbesDue = true;
      if (kinds.has("host")) this.#closeRemoved();
    });
  }

  /** Since the coordinator started. */
  summaryOf(hostId: HostId): SessionSummary {
    const observed = this.#parts.observations.get(hostId);
    const { received, sent, sessions } = this.#traffic.get(hostId) ?? noTraffic;
    const heardMs =
      observed === undefined ? undefined : this.#parts.clock.now() - observed.heardAtMs;
    return {
      connected: observed?.connected ?? false,
      libvirtAlive: observed?.libvirtAlive ?? false,
      ...(heardMs === undefined ? {} : { lastHeardSeconds: heardMs / 1000 }),
      messagesReceived: received,
      messagesSent: sent,
      sessions,
    };
  }

  isOpen(hostId: HostId): boolean {
    return this.#sessions.has(hostId);
  }

  /** Serves one agent until its session is over. The caller has authenticated it as this host. */
  async serve(hostId: HostId, link: Link<CoordinatorMessage, AgentMessage>): Promise<void> {
    const gone = this.#parts.observations.dialled(hostId);
    try {
      // It lives: that it is off must be forgotten before it is told to start anything.
      await forgetOff(this.#parts.ledger, hostId);
      await this.#converse(hostId, link);
    } finally {
      gone();
    }
  }

  async #converse(hostId: HostId, link: AgentLink): Promise<void> {
    const { ledger, observations, commands, leases, contexts, clock, times, log } = this.#parts;
    const name = ledger.view.hosts.get(hostId)?.name ?? hostId;
    const session = new HostSession({
      hostId,
      clusterId: ledger.view.cluster.id,
      link: this.#counted(hostId, link),
      clock,
      times,
      view: ledger.view,
      observations,
      commands,
      silence: this.#silence,
      leases,
      contexts,
      sources: {
        attemptOf: (id, revision) => this.#attempts.attemptOf(id, revision),
        probesOf: (id) => this.#probes.get(id) ?? [],
        ...(times.networkConfirmMs === undefined
          ? {}
          : { confirmTimeoutMs: times.networkConfirmMs }),
      },
      onReport: ({ hostNetwork }) => {
        if (hostNetwork !== undefined) this.#networkReported(hostId, hostNetwork);
      },
      onOpen: () => {
        this.#opened(hostId, session);
      },
    });
    try {
      await session.run();
      log.info({ hostId, host: name }, "session ended");
    } catch (error) {
      const fault =
        error instanceof MusterError
          ? error
          : new MusterError("internal", "a session broke", { cause: error });
      log.warn({ hostId, host: name, err: fault }, "session broke");
      link.close(fault);
    } finally {
      this.#closed(hostId, session);
    }
  }

  /** Ends every session: the coordinator stops. */
  stop(): void {
    this.#stopListening();
    for (const session of this.#sessions.values()) {
      session.close(new MusterError("unreachable", "the coordinator stops"));
    }
  }

  /** Tells hosts whose next try is due, and whom to probe now that hosts or networks came or went. */
  refreshNetworks(): void {
    this.#refresh(this.#attempts.takeDue());
    if (!this.#areProbesDue) return;
    this.#areProbesDue = false;
    const { hosts, networks } = this.#parts.ledger.view;
    this.#probes = planProbes({
      hosts: [...hosts.values()],
      networks: [...networks.values()],
      shouldHave,
    });
    this.#refresh(this.#sessions.keys());
  }

  #networkReported(hostId: HostId, observed: HostNetworkObservation): void {
    const { view } = this.#parts.ledger;
    const host = view.hosts.get(hostId);
    if (host === undefined) return;
    this.#attempts.reported(hostId, observed, hostNetworkOf(view, host).revision);
  }

  #opened(hostId: HostId, session: HostSession): void {
    const { ledger, events, log } = this.#parts;
    const previous = this.#sessions.get(hostId);
    this.#sessions.set(hostId, session);
    const host = ledger.view.hosts.get(hostId);
    const name = host?.name ?? hostId;
    previous?.close(new MusterError("wrong-state", `another agent connected as host ${name}`));
    log.info({ hostId, host: name }, "session opened");
    events.record({
      kind: "host-connected",
      subject: `host/${name}`,
      message: "agent connected",
      host: name,
    });
    if (host?.connectedBefore === false) this.#rememberConnected(hostId);
  }

  #counted(hostId: HostId, link: AgentLink): AgentLink {
    const traffic = this.#traffic.get(hostId) ?? { ...noTraffic };
    this.#traffic.set(hostId, traffic);
    traffic.sessions += 1;
    return mapLink(link, {
      encode: (message: CoordinatorMessage) => {
        traffic.sent += 1;
        return message;
      },
      decode: (message: AgentMessage) => {
        traffic.received += 1;
        return message;
      },
    });
  }

  #rememberConnected(hostId: HostId): void {
    const { ledger, log } = this.#parts;
    const remembered = ledger.transact((view) => {
      const host = view.hosts.get(hostId);
      const changes = host === undefined ? [] : [put("host", { ...host, connectedBefore: true })];
      return { changes, result: undefined };
    });
    remembered.catch((error: unknown) => {
      log.error({ hostId, err: error }, "recording a host's first connection failed");
    });
  }

  #closed(hostId: HostId, session: HostSession): void {
    // A session that was replaced, or never said hello, must not mark its successor's host as gone.
    if (this.#sessions.get(hostId) !== session) return;
    const { observations, commands, events, ledger } = this.#parts;
    this.#sessions.delete(hostId);
    commands.disconnected(hostId);
    observations.sessionClosed(hostId);
    const name = ledger.view.hosts.get(hostId)?.name;
    if (name === undefined) {
      this.#attempts.forget(hostId);
      return observations.forget(hostId);
    }
    events.record({
      kind: "host-disconnected",
      subject: `host/${name}`,
      message: "agent disconnected",
      host: name,
    });
  }

  #refresh(hostIds: Iterable<HostId>): void {
    for (const hostId of hostIds) this.#sessions.get(hostId)?.refreshAssignments();
  }

  /** What every host should have changes when the cluster is armed or disarmed. */
  #isSwitched(): boolean {
    const { mode } = haSwitchOf(this.#parts.ledger.view.cluster);
    const isSwitched = mode !== this.#mode;
    this.#mode = mode;
    return isSwitched;
  }

  #closeRemoved(): void {
    for (const [hostId, session] of this.#sessions) {
      if (this.#parts.ledger.view.hosts.has(hostId)) continue;
      session.close(new MusterError("forbidden", "this host was removed from the cluster"));
    }
  }
}

/** A change of one of these may concern any host. */
const sharedKinds = ["network", "uplink", "interfaces", "coordinator"] as const;

/** Hosts that were changed, and those that VMs were or are placed on, or on their way to. */
function hostsConcerned(changes: readonly AppliedChange[], view: LedgerView): ReadonlySet<HostId> {
  const hostIds = changes.flatMap((change) => {
    // Labels and pools choose networks.
    if (change.kind === "host") return [change.value.id];
    if (change.kind === "context") {
      const vm = view.vms.get(change.value.vmId);
      return vm === undefined ? [] : hostsOf(vm);
    }
    if (change.kind !== "vm") return [];
    return [
      ...(change.before === undefined ? [] : hostsOf(change.before)),
      ...hostsOf(change.value),
    ];
  });
  return new Set(hostIds);
}
