/**
 * The single writer. Every decision runs here, one after another: it reads the view as it is now, and what it
 * returns is stored before anybody sees it. So capacity, names and group rules are claimed in the same step as the
 * decision, however many requests race (S3).
 *
 * On a standby it is a copy that `follow.ts` keeps warm, and refuses to write. It becomes the writer once, when its
 * coordinator leads, and never turns back: a coordinator that no longer leads begins anew.
 */
import { MusterError, toJson, type ClusterId, type ErrorCode } from "@muster/model";
import type { Leadership } from "../store/election.ts";
import type { Store, StoreChange, StoredRecord, StoreSnapshot } from "../store/store.ts";
import { checkFormat, FORMAT } from "./format.ts";
import { decodeRecord, keyOf, type ClusterRecord, type Kind, type RecordKinds } from "./records.ts";
import { Tables, type LedgerView } from "./view.ts";

export type RecordChange = {
  readonly [K in Kind]: {
    readonly kind: K;
    readonly change: "put" | "delete";
    readonly value: RecordKinds[K];
  };
}[Kind];

export function put<K extends Kind>(kind: K, value: RecordKinds[K]): RecordChange {
  return { kind, change: "put", value } as RecordChange;
}

export function remove<K extends Kind>(kind: K, value: RecordKinds[K]): RecordChange {
  return { kind, change: "delete", value } as RecordChange;
}

export interface Decision<Result> {
  readonly changes: readonly RecordChange[];
  readonly result: Result;
}

/** A change that has happened, with what the record was before it. */
export type AppliedChange = {
  readonly [K in Kind]: {
    readonly kind: K;
    readonly change: "put" | "delete";
    readonly value: RecordKinds[K];
    readonly before: RecordKinds[K] | undefined;
  };
}[Kind];

export type LedgerListener = (changes: readonly AppliedChange[]) => void;

/** A lone coordinator needs no name: there is nobody to tell it from. */
const LONE = { name: "coordinator", version: "", addresses: [] };

/** Refusals of the store that say for certain that nothing was written. */
const nothingWritten: ReadonlySet<ErrorCode> = new Set([
  "version-conflict",
  "not-leader",
  "limit-exceeded",
  "storage-failed",
]);

/** What is recorded beside the changes of one transaction, in the same one. */
export type Audit = (
  changes: readonly RecordChange[],
  before: (key: string) => object | undefined,
) => readonly RecordChange[];

/** Asked at the moment somebody wants a transaction; undefined: nothing is recorded. */
export type Auditor = () => Audit | undefined;

export class Ledger {
  readonly #store: Store;
  readonly #tables = new Tables();
  readonly #revisions = new Map<string, number>();
  readonly #listeners = new Set<LedgerListener>();
  #auditor: Auditor | undefined;
  #leadership: Leadership | undefined;
  #refusal = (): MusterError => new MusterError("not-leader", "this coordinator is a standby");
  #applied = 0;
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(store: Store) {
    this.#store = store;
  }

  /** A copy of what is stored now. */
  static async copy(store: Store): Promise<Ledger> {
    const ledger = new Ledger(store);
    ledger.reload(await store.snapshot());
    return ledger;
  }

  /** For the only coordinator of a store: leads at once. `newClusterId` is used when the store is empty. */
  static async open(store: Store, newClusterId: () => ClusterId): Promise<Ledger> {
    const leadership = await store.campaign(LONE, new AbortController().signal);
    const ledger = await Ledger.copy(store);
    await ledger.lead(leadership, newClusterId);
    return ledger;
  }

  /** The copy holds everything that was ever stored: the caller has seen to that. */
  async lead(leadership: Leadership, newClusterId: () => ClusterId): Promise<void> {
    if (this.isNew && this.#revisions.size > 0) {
      throw new MusterError("storage-failed", "the store has records, but no cluster", {
        hint: "a restore was interrupted: do it again",
      });
    }
    this.#leadership = leadership;
    const cluster = this.isNew
      ? { id: newClusterId(), operationCount: 0, macCount: 0, format: FORMAT }
      : this.#tables.cluster;
    if (!this.isNew && (cluster.format ?? 0) >= FORMAT) return;
    await this.transact(() => ({
      changes: [put("cluster", { ...cluster, format: FORMAT })],
      result: undefined,
    }));
  }

  /** True until a first coordinator has led: there is no cluster yet. */
  get isNew(): boolean {
    return this.#tables.isEmpty;
  }

  /** Every transaction up to this revision is in the view. */
  get applied(): number {
    return this.#applied;
  }

  /** Undefined on a standby. */
  get leadership(): Leadership | undefined {
    return this.#leadership;
  }

  get isLeading(): boolean {
    return this.#leadership?.isCurrent() === true;
  }

  /** What people are told who ask a standby to change something. */
  refuseWith(refusal: () => MusterError): void {
    this.#refusal = refusal;
  }

  /** Throws `not-leader` unless this coordinator leads. */
  assertLeading(): void {
    if (!this.isLeading) throw this.#refusal();
  }

  /** On a standby: what the leader has done. */
  follow(change: StoreChange): void {
    const changes = [
      ...change.deletes.flatMap((key) => this.#forget(key)),
      ...change.puts.flatMap((stored) => this.#keep(stored)),
    ];
    this.#applied = change.revision;
    this.#tell(changes);
  }

  /** On a standby: everything as it is stored, whatever was missed. */
  reload({ revision, records }: StoreSnapshot): void {
    const present = new Set(records.map(({ key }) => key));
    const gone = [...this.#revisions.keys()].filter((key) => !present.has(key));
    const newer = records.filter((stored) => this.#revisions.get(stored.key) !== stored.revision);
    this.follow({ revision, puts: newer, deletes: gone });
  }

  get view(): LedgerView {
    return this.#tables;
  }

  /** Adds to every transaction what is kept of it; given what the caller of `transact` was doing. */
  auditBy(auditor: Auditor): void {
    this.#auditor = auditor;
  }

  /** Decisions run in the order they were asked for. One that throws changes nothing. */
  transact<Result>(decide: (view: LedgerView) => Decision<Result>): Promise<Result> {
    const audit = this.#auditor?.();
    const turn = this.#tail.then(() => this.#run(decide, audit));
    // The next decision waits for this one but does not care how it ended; its caller hears of that.
    this.#tail = turn.then(nothing, nothing);
    return turn;
  }

  /** Called after every change, with what changed, never while a decision runs. */
  onChange(listener: LedgerListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async #run<Result>(
    decide: (view: LedgerView) => Decision<Result>,
    audit: Audit | undefined,
  ): Promise<Result> {
    this.assertLeading();
    const { changes: decided, result } = decide(this.#tables);
    if (decided.length === 0) return result;
    const before = (key: string) => this.#tables.find(key)?.value;
    const changes = [...decided, ...(audit?.(decided, before) ?? [])];
    const keyed = changes.map((change) => ({
      change,
      key: keyOf(change.kind, change.value as never),
    }));
    const revision = await this.#write(keyed);
    const applied = keyed.map(({ key, change }) => this.#apply(key, change, revision));
    this.#applied = revision;
    this.#tell(applied);
    return result;
  }

  async #write(keyed: readonly { key: string; change: RecordChange }[]): Promise<number> {
    const leadership = this.#leadership;
    if (leadership === undefined) throw this.#refusal();
    try {
      return await this.#store.transact({
        term: leadership.term,
        expect: keyed.map(({ key }) => ({ key, revision: this.#revisions.get(key) ?? 0 })),
        puts: keyed
          .filter(({ change }) => change.change === "put")
          .map(({ key, change }) => ({ key, value: toJson(change.value) })),
        deletes: keyed.filter(({ change }) => change.change === "delete").map(({ key }) => key),
      });
    } catch (error) {
      const code = error instanceof MusterError ? error.code : "internal";
      // Whether it is stored is not known, so the copy here may be wrong: whoever leads next reads what is true.
      if (!nothingWritten.has(code) || code === "not-leader") {
        await leadership.resign(error as Error);
      }
      throw error;
    }
  }

  #tell(changes: readonly AppliedChange[]): void {
    if (changes.length === 0) return;
    for (const listener of this.#listeners) listener(changes);
  }

  #keep(stored: StoredRecord): readonly AppliedChange[] {
    const record = decodeRecord(stored);
    if (record === undefined) {
      this.#revisions.set(stored.key, stored.revision);
      return [];
    }
    if (record.kind === "cluster") checkFormat((record.value as ClusterRecord).format);
    const change = put(record.kind, record.value as never);
    return [this.#apply(stored.key, change, stored.revision)];
  }

  #forget(key: string): readonly AppliedChange[] {
    const found = this.#tables.find(key);
    if (found === undefined) {
      this.#revisions.delete(key);
      return [];
    }
    return [this.#apply(key, remove(found.kind, found.value as never), 0)];
  }

  #apply(key: string, change: RecordChange, revision: number): AppliedChange {
    const before = this.#tables.find(key)?.value;
    if (change.change === "put") {
      this.#tables.put(change.kind, change.value);
      this.#revisions.set(key, revision);
    } else {
      this.#tables.remove(change.kind, change.value);
      this.#revisions.delete(key);
    }
    return { ...change, before } as AppliedChange;
  }
}

function nothing(): void {
  // The caller of `transact` has the result or the error.
}
