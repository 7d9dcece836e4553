/** Watches hosts come and go, tells people once, and begins the recovery of those that are lost. */
import { MusterError, type HostId, type HostRecord, type HostState } from "@muster/model";
import type { Clock, Log, Reconciler } from "@muster/runtime";
import type { EventLog } from "../events/event-log.ts";
import { brakeOf } from "../ha/brakes.ts";
import { haSwitchOf } from "../ha/ha-switch.ts";
import type { Leases } from "../ha/leases.ts";
import { planRecovery, type RecoveryStep } from "../ha/plan-recovery.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";
import type { OperationRunner } from "../operations/operation-runner.ts";
import type { RecoverHostParameters } from "../operations/recover-host.ts";

/** How late a host may be called lost. */
const PERIOD_MS = 1_000;

export interface RecoverHostsParts {
  readonly ledger: Ledger;
  readonly observations: Observations;
  readonly leases: Leases;
  readonly runner: OperationRunner;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Log;
}

export class RecoverHosts implements Reconciler {
  readonly name = "recover-hosts";
  readonly periodMs = PERIOD_MS;
  readonly #parts: RecoverHostsParts;
  readonly #states = new Map<HostId, HostState>();
  #brake: string | undefined;

  constructor(parts: RecoverHostsParts) {
    this.#parts = parts;
  }

  /** Why nobody is fenced now; undefined: no brake is on. */
  brake(view: LedgerView = this.#parts.ledger.view): string | undefined {
    const { observations } = this.#parts;
    return brakeOf({
      hosts: [...view.hosts.values()],
      stateOf: (host) => observations.stateOf(host),
    });
  }

  /** `brake` looks at every host: whoever asks for all of them gives it. */
  stepFor(
    host: HostRecord,
    view: LedgerView = this.#parts.ledger.view,
    brake: () => string | undefined = () => this.brake(view),
  ): RecoveryStep {
    const { observations, leases, clock } = this.#parts;
    const state = observations.stateOf(host);
    if (state === "online") return { kind: "none" };
    const actedAtMs = leases.watchdogActedAtMs(host);
    return planRecovery(host, {
      view,
      state,
      armed: haSwitchOf(view.cluster),
      brake: brake(),
      watchdogInMs: actedAtMs === undefined ? undefined : Math.max(0, actedAtMs - clock.now()),
      wallMs: clock.wall().getTime(),
    });
  }

  /** For people, who may ask for a thousand hosts at once: with the brake as it was seen by the last pass. */
  shownStepFor(host: HostRecord): RecoveryStep {
    return this.stepFor(host, this.#parts.ledger.view, () => this.#brake);
  }

  async reconcile(): Promise<void> {
    const { view } = this.#parts.ledger;
    this.#tellChanges();
    // As it has just been told; whoever begins a recovery looks again.
    const brake = this.#brake;
    for (const host of view.hosts.values()) {
      const step = this.stepFor(host, view, () => brake);
      if (step.kind === "recover") await this.#recover(host, step.because);
    }
  }

  #tellChanges(): void {
    const { ledger, observations, log, events } = this.#parts;
    const { hosts } = ledger.view;
    for (const hostId of this.#states.keys()) if (!hosts.has(hostId)) this.#states.delete(hostId);
    for (const host of hosts.values()) {
      const state = observations.stateOf(host);
      const before = this.#states.get(host.id);
      this.#states.set(host.id, state);
      if (before === state || (before === undefined && state !== "lost")) continue;
      const fields = { hostId: host.id, host: host.name, before, state };
      if (state === "lost") log.error(fields, "host is lost");
      else log.info(fields, "host state changed");
      if (state === "online" && before !== "lost") continue;
      const message = state === "lost" ? "lost: it has been silent for too long" : `is ${state}`;
      events.record({
        kind: `host-${state}`,
        subject: `host/${host.name}`,
        message,
        host: host.name,
      });
    }
    this.#tellBrake();
  }

  #tellBrake(): void {
    const { log } = this.#parts;
    const brake = this.brake();
    if ((brake === undefined) !== (this.#brake === undefined)) {
      if (brake === undefined) log.info({}, "enough hosts are there: fencing is allowed again");
      else log.error({ why: brake }, "nobody is fenced");
    }
    this.#brake = brake;
  }

  async #recover(host: HostRecord, because: string): Promise<void> {
    const { runner, log } = this.#parts;
    await runner.submit<RecoverHostParameters>({ requestId: "", type: "host-recover" }, (view) => {
      const now = view.hosts.get(host.id);
      if (now === undefined || this.stepFor(now, view).kind !== "recover") {
        throw new MusterError("busy", `host ${host.name} is not to be recovered any more`);
      }
      return {
        operation: {
          type: "host-recover",
          subject: `host/${host.name}`,
          reason: because,
          requestedBy: "muster",
          requestId: "",
          explanation: [because],
          parameters: { hostId: host.id, byPerson: false },
        },
        changes: () => [],
      };
    });
    log.warn({ hostId: host.id, host: host.name, why: because }, "recovery of a host begins");
  }
}
