/**
 * A replicated store as several simulated coordinators see it: one truth, a client each, leases, and a network that
 * takes time, loses requests and loses answers. It passes the contract that the real ones pass.
 */
import { MusterError } from "@muster/model";
import type { Clock, Random } from "@muster/runtime";
import { ChangeHistory } from "./change-history.ts";
import { checkExpectations, checkSize, notLeader } from "./check-transaction.ts";
import type { Leader, Leadership, Member } from "./election.ts";
import { keepLease } from "./keep-lease.ts";
import type { Store, StoreChange, StoredRecord, StoreSnapshot, Transaction } from "./store.ts";

interface Lease {
  readonly leader: Leader;
  endsAtMs: number;
}

/** As a leader's lease in etcd: shorter, and a busy machine loses it; longer, and a dead leader blocks the others. */
const LEASE_MS = 5_000;
/** After this long a client believes that its request was lost. */
const REQUEST_TIMEOUT_MS = 2_000;
const LATENCY_MAX_MS = 5;

/** The servers, seen as one. */
export class SimulatedQuorum {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #records = new Map<string, StoredRecord>();
  readonly #cutOff = new Set<string>();
  readonly #candidates = new Map<string, Member>();
  readonly history = new ChangeHistory(0);
  #revision = 0;
  #term = 0;
  #lease: Lease | undefined;
  #hasQuorum = true;

  constructor(parts: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  /** The client of one coordinator. `clock` is that process's own: it stops when the process does. */
  connect(name: string, clock: Clock = this.#clock): SimulatedStore {
    return new SimulatedStore(this, name, clock);
  }

  /** From now on nothing passes between this coordinator and the servers. */
  cutOff(name: string): void {
    this.#cutOff.add(name);
  }

  reconnect(name: string): void {
    this.#cutOff.delete(name);
  }

  /** Without a quorum no request is answered, whoever asks. */
  setQuorum(hasQuorum: boolean): void {
    this.#hasQuorum = hasQuorum;
  }

  isReachedBy(name: string): boolean {
    return this.#hasQuorum && !this.#cutOff.has(name);
  }

  /** Carries a request there and its answer back. Either may be lost; then nobody knows which. */
  async ask<Answer>(name: string, clock: Clock, answer: () => Answer): Promise<Answer> {
    await clock.sleep(this.#random.fraction() * LATENCY_MAX_MS);
    if (!this.isReachedBy(name)) return this.#lost(clock);
    const given = answer();
    await clock.sleep(this.#random.fraction() * LATENCY_MAX_MS);
    return this.isReachedBy(name) ? given : this.#lost(clock);
  }

  snapshot(): StoreSnapshot {
    const records = [...this.#records.values()].toSorted((left, right) =>
      left.key < right.key ? -1 : 1,
    );
    return { revision: this.#revision, records };
  }

  get revision(): number {
    return this.#revision;
  }

  transact(transaction: Transaction): number {
    const current = this.leader?.term;
    if (transaction.term !== current) throw notLeader(transaction.term, current ?? this.#term);
    checkExpectations(transaction.expect, (key) => this.#records.get(key)?.revision ?? 0);
    const revision = (this.#revision += 1);
    const puts = transaction.puts.map((record) => ({ ...record, revision }));
    const deletes = transaction.deletes.filter((key) => this.#records.delete(key));
    for (const record of puts) this.#records.set(record.key, record);
    this.history.record({ revision, puts, deletes });
    return revision;
  }

  get leader(): Leader | undefined {
    return this.#lease !== undefined && this.#lease.endsAtMs > this.#clock.now()
      ? this.#lease.leader
      : undefined;
  }

  get candidates(): Map<string, Member> {
    return this.#candidates;
  }

  /** A new term, or how long the present one lasts unless it is renewed. */
  tryLead(member: Member): { readonly term: number } | { readonly busyMs: number } {
    const now = this.#clock.now();
    if (this.#lease !== undefined && this.#lease.endsAtMs > now) {
      return { busyMs: this.#lease.endsAtMs - now };
    }
    const term = (this.#term += 1);
    this.#lease = { leader: { term, member }, endsAtMs: now + LEASE_MS };
    return { term };
  }

  /** False: the term is over. */
  renew(term: number): boolean {
    if (this.leader?.term !== term || this.#lease === undefined) return false;
    this.#lease.endsAtMs = this.#clock.now() + LEASE_MS;
    return true;
  }

  release(term: number): void {
    if (this.#lease?.leader.term === term) this.#lease = undefined;
  }

  async #lost<Answer>(clock: Clock): Promise<Answer> {
    await clock.sleep(REQUEST_TIMEOUT_MS);
    throw new MusterError("unreachable", "the store did not answer");
  }
}

export class SimulatedStore implements Store {
  readonly #quorum: SimulatedQuorum;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #closed = new AbortController();

  constructor(quorum: SimulatedQuorum, name: string, clock: Clock) {
    this.#quorum = quorum;
    this.#name = name;
    this.#clock = clock;
  }

  snapshot(): Promise<StoreSnapshot> {
    return this.#ask(() => this.#quorum.snapshot());
  }

  newest(): Promise<number> {
    return this.#ask(() => this.#quorum.revision);
  }

  async transact(transaction: Transaction): Promise<number> {
    checkSize(transaction);
    return this.#ask(() => this.#quorum.transact(transaction));
  }

  async *watch(after: number, signal: AbortSignal): AsyncGenerator<StoreChange, void, undefined> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    for await (const change of this.#quorum.history.watch(after, either)) {
      // What a cut-off client would have received, it misses: the stream breaks there.
      if (!this.#quorum.isReachedBy(this.#name)) {
        throw new MusterError("unreachable", "the store's changes no longer arrive");
      }
      yield change;
    }
  }

  compact(through: number): Promise<void> {
    return this.#ask(() => {
      this.#quorum.history.compact(through);
    });
  }

  async campaign(member: Member, signal: AbortSignal): Promise<Leadership> {
    this.#quorum.candidates.set(this.#name, member);
    while (!this.#closed.signal.aborted) {
      signal.throwIfAborted();
      const askedAtMs = this.#clock.now();
      const answer = await this.#ask(() => this.#quorum.tryLead(member)).catch(busy);
      if ("term" in answer) return this.#lead(answer.term, askedAtMs);
      await this.#clock.sleep(Math.max(1, Math.min(answer.busyMs, POLL_MS)), signal);
    }
    throw new MusterError("unreachable", "the store was closed");
  }

  leader(): Promise<Leader | undefined> {
    return this.#ask(() => this.#quorum.leader);
  }

  members(): Promise<readonly Member[]> {
    return this.#ask(() => [...this.#quorum.candidates.values()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new MusterError("unreachable", "the store was closed"));
    this.#quorum.candidates.delete(this.#name);
  }

  #ask<Answer>(answer: () => Answer): Promise<Answer> {
    return this.#quorum.ask(this.#name, this.#clock, answer);
  }

  #lead(term: number, askedAtMs: number): Leadership {
    return keepLease({
      term,
      askedAtMs,
      clock: this.#clock,
      leaseMs: LEASE_MS,
      closed: this.#closed.signal,
      renew: () => this.#ask(() => this.#quorum.renew(term)),
      release: () =>
        this.#ask(() => {
          this.#quorum.release(term);
        }),
    });
  }
}

/** A resigned leader is replaced after this at the latest. */
const POLL_MS = 250;
const busy = (): { readonly busyMs: number } => ({ busyMs: POLL_MS });
