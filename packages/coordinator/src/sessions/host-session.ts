/** One connected agent: reads what it says into the observations, tells it what it should have and do. */
import {
  commonProtocol,
  MusterError,
  PROTOCOL_VERSIONS,
  type AgentMessage,
  type GuestReport,
  type ClusterId,
  type CoordinatorMessage,
  type HostId,
  type LeaseRequest,
} from "@muster/model";
import type { Clock, Link } from "@muster/runtime";
import type { LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";
import {
  assignmentsOf,
  fullAssignments,
  increment,
  type AssignmentSources,
  type HostAssignments,
} from "./assignments.ts";
import type { Contexts } from "../contexts/contexts.ts";
import type { Leases } from "../ha/leases.ts";
import type { Commands } from "./commands.ts";
import type { SilenceWatch, Watched } from "./silence-watch.ts";

export interface SessionTimes {
  readonly heartbeatIntervalMs: number;
  readonly fullReportIntervalMs: number;
  readonly sampleIntervalMs: number;
  /** How long a host waits to be heard over a change of its networks; absent: ten seconds. */
  readonly networkConfirmMs?: number;
}

type FullReport = Extract<AgentMessage, { kind: "full-report" }>;

export interface SessionParts {
  readonly hostId: HostId;
  readonly clusterId: ClusterId;
  readonly link: Link<CoordinatorMessage, AgentMessage>;
  readonly clock: Clock;
  readonly times: SessionTimes;
  readonly view: LedgerView;
  readonly observations: Observations;
  readonly commands: Commands;
  readonly silence: SilenceWatch;
  readonly leases: Pick<Leases, "grant" | "leaseMs">;
  readonly contexts: Pick<Contexts, "seedFor" | "report">;
  readonly sources: AssignmentSources;
  /** Called once the agent said hello. */
  readonly onOpen: () => void;
  /** Called after a full report was taken in. */
  readonly onReport: (report: FullReport) => void;
}

/**
 * What one agent's return costs a core, handshake and full report included: agents that come back no faster than that
 * find a coordinator that answers at once.
 */
const RECONNECT_MS = 3;
/** The largest cluster is known again before people ask what is wrong. */
const RECONNECT_SPREAD_MAX_MS = 15_000;

export class HostSession implements Watched {
  readonly #parts: SessionParts;
  #heardAtMs: number;
  #told: HostAssignments | undefined;
  #toldRevision = 0n;
  #open = false;
  #closed = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#heardAtMs = parts.clock.now();
  }

  /** Resolves when the session is over; rejects with the reason when it broke. */
  async run(): Promise<void> {
    const unwatch = this.#parts.silence.watch(this);
    try {
      for await (const message of this.#parts.link.incoming) {
        // What had arrived before the end is from a past that its successor's reports have overtaken.
        if (this.#closed) return;
        this.#heardAtMs = this.#parts.clock.now();
        this.#receive(message);
      }
    } finally {
      unwatch();
    }
  }

  /** From now on nothing it says is heard. */
  close(error: MusterError): void {
    this.#closed = true;
    this.#parts.link.close(error);
  }

  /** Something in the ledger changed: tells the agent what concerns it. */
  refreshAssignments(): void {
    if (this.#told === undefined) return;
    const now = assignmentsOf(this.#parts.view, this.#parts.hostId, this.#parts.sources);
    const message = increment(this.#told, now, this.#toldRevision);
    if (message === undefined) return;
    this.#told = now;
    this.#toldRevision = message.resultsIn;
    this.#parts.link.send(message);
  }

  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  fellSilent(silentMs: number): void {
    const seconds = (silentMs / 1000).toFixed(1);
    this.close(new MusterError("timeout", `the agent has been silent for ${seconds} s`));
  }

  get isOpen(): boolean {
    return this.#open;
  }

  #receive(message: AgentMessage): void {
    const { hostId, observations, commands, link } = this.#parts;
    if (!this.#open && message.kind !== "hello") {
      throw new MusterError(
        "invalid",
        `an agent began its session with ${message.kind} instead of hello`,
      );
    }
    switch (message.kind) {
      case "hello":
        return this.#welcome(message);
      case "full-report":
        observations.fullReport(hostId, message);
        return this.#parts.onReport(message);
      case "network-applied": {
        const { revision, attempt, nonce } = message;
        return link.send({ kind: "confirm-network", revision, attempt, nonce });
      }
      case "seed-request":
        return link.send(this.#parts.contexts.seedFor(hostId, message.vmId));
      case "guest-report":
        return this.#recordReport(message);
      case "probe-report":
        return observations.probed(hostId, message.results);
      case "delta-report":
        if (!observations.deltaReport(hostId, message)) link.send({ kind: "request-report" });
        return;
      case "heartbeat":
        if (message.number !== 0) link.send({ kind: "heartbeat-answer", number: message.number });
        observations.heartbeat(hostId, message.libvirtAlive);
        if (message.lease !== undefined) this.#renewLease(message.lease);
        return;
      case "progress":
        return commands.progress(message);
      case "result":
        return commands.result(hostId, message);
    }
  }

  /** Only to an agent that has everything it was told: it knows which of its VMs it must stop without a lease. */
  #renewLease(request: LeaseRequest): void {
    const { hostId, leases, link } = this.#parts;
    if (request.assignmentsRevision !== this.#toldRevision) return;
    leases.grant(hostId, request).then(
      (granted) => {
        if (granted && !this.#closed) link.send({ kind: "lease-renewed", number: request.number });
      },
      (cause: unknown) => {
        this.close(new MusterError("storage-failed", "a lease could not be recorded", { cause }));
      },
    );
  }

  /** The agent tells its guest only once it is recorded. */
  #recordReport(report: GuestReport): void {
    const { hostId, contexts, link } = this.#parts;
    const { vmId } = report;
    contexts.report(hostId, report).then(
      (number) => {
        if (number === undefined || this.#closed) return;
        link.send({ kind: "guest-report-recorded", vmId, number });
      },
      (cause: unknown) => {
        this.close(new MusterError("storage-failed", "a report could not be recorded", { cause }));
      },
    );
  }

  #welcome(hello: Extract<AgentMessage, { kind: "hello" }>): void {
    if (this.#open) throw new MusterError("invalid", "an agent said hello twice in one session");
    const protocolVersion = commonProtocol(hello.protocolVersions);
    if (protocolVersion === undefined) {
      const theirs = hello.protocolVersions.join(", ");
      const message = `the agent speaks protocol ${theirs}, this coordinator ${PROTOCOL_VERSIONS.join(", ")}`;
      throw new MusterError("version-mismatch", message, { hint: "upgrade the older of the two" });
    }
    const { hostId, clusterId, link, times, view, observations, commands, onOpen, sources } =
      this.#parts;
    this.#open = true;
    const reconnectSpreadMs = Math.min(RECONNECT_SPREAD_MAX_MS, RECONNECT_MS * view.hosts.size);
    observations.sessionOpened(hostId, hello);
    const { leaseMs } = this.#parts.leases;
    const paced = { ...times, reconnectSpreadMs, leaseMs };
    link.send({ kind: "welcome", protocolVersion, clusterId, ...paced });
    this.#told = assignmentsOf(view, hostId, sources);
    this.#toldRevision = 1n;
    link.send(fullAssignments(this.#told, this.#toldRevision));
    onOpen();
    commands.connected(hostId, (message) => {
      link.send(message);
    });
  }
}
