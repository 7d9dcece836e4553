/**
 * Keeps the host's networks as they were assigned. A change is a transaction: it stays when the coordinator is heard
 * over what it made, else the host is put back as it was, also by the next agent if this one is killed in between.
 *
 * Does nothing before it knows the assignments: an agent that has just started must not take "nothing known" for
 * "nothing wanted".
 */
import {
  NETWORK_ATTEMPTS_MAX,
  renderSegment,
  type ConfirmNetwork,
  type HostNetworkAssignment,
  type HostNetworkObservation,
  type NetworkAttempt,
  type NetworkObservation,
  type NetworkSpec,
} from "@muster/model";
import type { Clock, Log, Reconciler } from "@muster/runtime";
import {
  layoutOf,
  noLayout,
  nothingObserved,
  type HostLayout,
  type LayoutObservation,
} from "../networks/host-layout.ts";
import { OneAtATime } from "../networks/one-at-a-time.ts";
import type { NetworkDriver } from "../networks/network-driver.ts";
import type { Assigned } from "./assigned.ts";
import { Confirmation, type ConfirmationParts } from "./confirmation.ts";
import type { NetworkMemory, NetworkMemoryStore } from "./network-memory.ts";
import { protectedChanges, type NetworkWhole } from "./protected-changes.ts";

export interface NetworkKeeperParts extends ConfirmationParts {
  readonly driver: NetworkDriver;
  readonly assigned: () => Assigned | undefined;
  readonly memory: NetworkMemoryStore;
  /** False: a change could not be confirmed now, so none is begun. */
  readonly isHeard: () => boolean;
  /** Called when what the host has differs from what was last told. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Somebody else may change bridges at any time; a minute is how long that may go unnoticed. */
const PERIOD_MS = 60_000;

const isUnderWay = ({ state }: NetworkAttempt): boolean =>
  state === "applying" || state === "unconfirmed";

const line = ({ name, state, message, vlan, bridge }: NetworkObservation): string =>
  `${name}: ${state}${vlan === 0 ? "" : `, VLAN ${String(vlan)}`}${bridge === "" ? "" : ` on ${bridge}`}${message === "" ? "" : ` (${message})`}`;

export class NetworkKeeper implements Reconciler {
  readonly name = "keep-networks";
  readonly periodMs = PERIOD_MS;
  readonly #parts: NetworkKeeperParts;
  readonly #confirmation: Confirmation;
  #observed: readonly NetworkObservation[] = [];
  #layout: LayoutObservation = nothingObserved;
  #memory: NetworkMemory = { attempts: [] };
  #isLoaded = false;
  /** A pass and what an agent does when it starts must not change the host at once. */
  readonly #turns = new OneAtATime();
  /** What the host is being made to have now. */
  #current: readonly NetworkSpec[] | undefined;

  constructor(parts: NetworkKeeperParts) {
    this.#parts = parts;
    this.#confirmation = new Confirmation(parts);
  }

  get observed(): readonly NetworkObservation[] {
    return this.#observed;
  }

  /** Undefined: the coordinator does not know of transactions. */
  get hostNetwork(): HostNetworkObservation | undefined {
    if (this.#parts.assigned()?.hostNetwork === undefined) return undefined;
    const { confirmed, attempts } = this.#memory;
    return { appliedRevision: confirmed?.revision ?? "", attempts, ...this.#layout };
  }

  /** As the host has it now, which is not what it was assigned while a change is on its way or was undone. */
  network(name: string): NetworkSpec | undefined {
    const networks = this.#current ?? this.#parts.assigned()?.networks ?? [];
    return networks.find((network) => network.name === name);
  }

  heard(message: ConfirmNetwork): void {
    this.#confirmation.heard(message);
  }

  sessionOpened(): void {
    this.#confirmation.askAgain();
  }

  reconcile(signal: AbortSignal): Promise<void> {
    return this.#turns.run(() => this.#reconcile(signal));
  }

  async #reconcile(signal: AbortSignal): Promise<void> {
    const wanted = this.#parts.assigned();
    if (wanted === undefined) return;
    await this.#load();
    await this.#undoInterrupted();
    const { hostNetwork } = wanted;
    if (hostNetwork === undefined) return this.#applyWithoutTransaction(wanted.networks);
    if (this.#isDue(hostNetwork) && this.#parts.isHeard()) {
      return this.#transact(wanted.networks, { ...hostNetwork, signal });
    }
    await this.#keepConfirmed();
  }

  /**
   * After a boot, before VMs start: makes what is known to be good, without a coordinator. A change that was under way is
   * undone first. Where nothing was ever confirmed, what is assigned is tried.
   */
  async restore(): Promise<void> {
    await this.#turns.run(async () => {
      await this.#load();
      await this.#undoInterrupted();
      const { networks } = this.#parts.assigned() ?? {};
      if (this.#memory.confirmed !== undefined) await this.#keepConfirmed();
      else if (networks !== undefined) await this.#apply(networks);
    });
  }

  async #keepConfirmed(): Promise<void> {
    const { confirmed } = this.#memory;
    if (confirmed !== undefined) await this.#apply(confirmed.networks, confirmed.layout);
  }

  async #load(): Promise<void> {
    if (this.#isLoaded) return;
    this.#memory = (await this.#parts.memory.load()) ?? this.#memory;
    this.#isLoaded = true;
  }

  #isDue({ revision, attempt }: HostNetworkAssignment): boolean {
    const { confirmed, attempts } = this.#memory;
    if (confirmed?.revision === revision) return false;
    const last = attempts.findLast((tried) => tried.revision === revision);
    // One that was good once may be wanted again after another.
    return last === undefined || last.state === "confirmed" || attempt > last.attempt;
  }

  async #applyWithoutTransaction(networks: readonly NetworkSpec[]): Promise<void> {
    await this.#apply(networks);
    if (this.#memory.confirmed?.networks === networks) return;
    await this.#remember({ ...this.#memory, confirmed: { revision: "", networks } });
  }

  /** An agent before this one was killed in the middle of a change. */
  async #undoInterrupted(): Promise<void> {
    const last = this.#memory.attempts.at(-1);
    if (last === undefined || !isUnderWay(last)) return;
    await this.#undo(last, "the agent ended before the coordinator was heard");
  }

  async #transact(
    networks: readonly NetworkSpec[],
    change: HostNetworkAssignment & { readonly signal: AbortSignal },
  ): Promise<void> {
    const { log } = this.#parts;
    const { revision, attempt, confirmTimeoutMs, signal } = change;
    const layout = layoutOf(change);
    const touched = change.overrideProtected ? [] : this.#protectedIn({ networks, layout });
    if (touched.length > 0) return this.#refuse(change, touched);
    const begun: NetworkAttempt = {
      revision,
      attempt,
      state: "applying",
      reason: "",
      before: (await this.#look()).map(line),
      after: [],
      startedAt: this.#now(),
      endedAt: "",
    };
    await this.#record(begun);
    await this.#apply(networks, layout);
    const applied: NetworkAttempt = {
      ...begun,
      state: "unconfirmed",
      after: this.#observed.map(line),
    };
    await this.#record(applied);
    const isHeard = await this.#confirmation.ask(
      { revision, attempt },
      { timeoutMs: confirmTimeoutMs, signal },
    );
    if (!isHeard) {
      const seconds = String(confirmTimeoutMs / 1000);
      return this.#undo(applied, `the coordinator was not heard within ${seconds} s`);
    }
    await this.#record(
      { ...applied, state: "confirmed", endedAt: this.#now() },
      { revision, networks, layout },
    );
    log.info({ revision, networks: networks.map(render) }, "the change of the networks stays");
    this.#parts.onChange();
  }

  #protectedIn(wanted: NetworkWhole): readonly string[] {
    const { confirmed } = this.#memory;
    if (confirmed === undefined) return [];
    return protectedChanges(confirmed, wanted, { networks: this.#observed, ...this.#layout });
  }

  /** Nothing is changed: what would be cut off is named. */
  async #refuse(
    { revision, attempt }: HostNetworkAssignment,
    touched: readonly string[],
  ): Promise<void> {
    const lines = this.#observed.map(line);
    const at = this.#now();
    const reason = `it ${touched.join("; ")}: refused without --override-protected`;
    this.#parts.log.warn({ revision, why: reason }, "the change of the networks is refused");
    await this.#record({
      revision,
      attempt,
      state: "refused",
      reason,
      before: lines,
      after: lines,
      startedAt: at,
      endedAt: at,
    });
    this.#parts.onChange();
  }

  async #undo(attempt: NetworkAttempt, reason: string): Promise<void> {
    const { log } = this.#parts;
    log.warn({ revision: attempt.revision, why: reason }, "the change of the networks is undone");
    const { networks = [], layout } = this.#memory.confirmed ?? {};
    await this.#apply(networks, layout);
    await this.#record({ ...attempt, state: "rolled-back", reason, endedAt: this.#now() });
    this.#parts.onChange();
  }

  #now(): string {
    return this.#parts.clock.wall().toISOString();
  }

  /** In the place of one with the same revision and number, or as the newest. */
  async #record(attempt: NetworkAttempt, confirmed = this.#memory.confirmed): Promise<void> {
    const others = this.#memory.attempts.filter(
      (other) => other.revision !== attempt.revision || other.attempt !== attempt.attempt,
    );
    const attempts = [...others, attempt].slice(-NETWORK_ATTEMPTS_MAX);
    await this.#remember({ attempts, ...(confirmed === undefined ? {} : { confirmed }) });
  }

  async #remember(memory: NetworkMemory): Promise<void> {
    await this.#parts.memory.save(memory);
    this.#memory = memory;
  }

  async #look(): Promise<readonly NetworkObservation[]> {
    return this.#parts.driver.observe();
  }

  async #apply(networks: readonly NetworkSpec[], layout: HostLayout = noLayout): Promise<void> {
    const { driver, onChange, log } = this.#parts;
    const before = JSON.stringify([this.#observed, this.#layout]);
    this.#current = networks;
    this.#observed = await driver.apply(networks, layout);
    this.#layout = await driver.observeLayout();
    if (JSON.stringify([this.#observed, this.#layout]) === before) return;
    for (const { label, device, mtu, problem } of this.#layout.uplinks) {
      const fields = { uplink: label, device, mtu };
      if (problem === "") log.info(fields, "uplink is ready");
      else log.warn({ ...fields, why: problem }, "uplink has a problem");
    }
    for (const network of this.#observed) {
      const { name, state, vlan, bridge, message } = network;
      const fields = { network: name, state, vlan, bridge };
      if (state === "ready") log.info(fields, "network is ready");
      else log.warn({ ...fields, why: message }, "network failed");
    }
    onChange();
  }
}

const render = ({ name, segment }: NetworkSpec): string => `${name} (${renderSegment(segment)})`;
