/**
 * The single writer. Every decision runs here, one after another: it reads the view as it is now, and what it
 * returns is stored before anybody sees it. So capacity, names and group rules are claimed in the same step as the
 * decision, however many requests race (S3).
 */
import { toJson, type ClusterId } from "@muster/model";
import type { Store } from "../store/store.ts";
import { decodeRecord, keyOf, type Kind, type RecordKinds } from "./records.ts";
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

export type LedgerListener = (changes: readonly RecordChange[]) => void;

export class Ledger {
  readonly #store: Store;
  readonly #tables: Tables;
  readonly #revisions: Map<string, number>;
  readonly #listeners = new Set<LedgerListener>();
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(store: Store, tables: Tables, revisions: Map<string, number>) {
    this.#store = store;
    this.#tables = tables;
    this.#revisions = revisions;
  }

  /** `newClusterId` is used when the store is empty. */
  static async open(store: Store, newClusterId: () => ClusterId): Promise<Ledger> {
    const { records } = await store.snapshot();
    const tables = new Tables();
    const revisions = new Map<string, number>();
    for (const stored of records) {
      const { kind, value } = decodeRecord(stored);
      tables.put(kind, value);
      revisions.set(stored.key, stored.revision);
    }
    const ledger = new Ledger(store, tables, revisions);
    if (tables.isEmpty) {
      const cluster = { id: newClusterId(), operationCount: 0, macCount: 0 };
      await ledger.transact(() => ({ changes: [put("cluster", cluster)], result: undefined }));
    }
    return ledger;
  }

  get view(): LedgerView {
    return this.#tables;
  }

  /** Decisions run in the order they were asked for. One that throws changes nothing. */
  transact<Result>(decide: (view: LedgerView) => Decision<Result>): Promise<Result> {
    const turn = this.#tail.then(() => this.#run(decide));
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

  async #run<Result>(decide: (view: LedgerView) => Decision<Result>): Promise<Result> {
    const { changes, result } = decide(this.#tables);
    if (changes.length === 0) return result;
    const keyed = changes.map((change) => ({
      change,
      key: keyOf(change.kind, change.value as never),
    }));
    const revision = await this.#store.transact({
      expect: keyed.map(({ key }) => ({ key, revision: this.#revisions.get(key) ?? 0 })),
      puts: keyed
        .filter(({ change }) => change.change === "put")
        .map(({ key, change }) => ({ key, value: toJson(change.value) })),
      deletes: keyed.filter(({ change }) => change.change === "delete").map(({ key }) => key),
    });
    for (const { key, change } of keyed) this.#apply(key, change, revision);
    for (const listener of this.#listeners) listener(changes);
    return result;
  }

  #apply(key: string, change: RecordChange, revision: number): void {
    if (change.change === "put") {
      this.#tables.put(change.kind, change.value);
      this.#revisions.set(key, revision);
    } else {
      this.#tables.remove(change.kind, change.value);
      this.#revisions.delete(key);
    }
  }
}

function nothing(): void {
  // The caller of `transact` has the result or the error.
}
