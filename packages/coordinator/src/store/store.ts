/**
 * Where the coordinator's durable truth lives: records by key, changed by atomic, durable transactions. Values are
 * opaque text here; `ledger/` knows what they mean. Whoever writes must lead (`election.ts`): a transaction names its
 * term, and one of a term that is over writes nothing.
 */
import type { Election } from "./election.ts";

export interface StoredRecord {
  readonly key: string;
  readonly value: string;
  /** Revision of the transaction that wrote it. */
  readonly revision: number;
}

export interface StoreSnapshot {
  /** Everything up to this revision is in it, and nothing later. */
  readonly revision: number;
  /** In order of their keys. */
  readonly records: readonly StoredRecord[];
}

/** `revision` 0: the key must not exist. */
export interface Expectation {
  readonly key: string;
  readonly revision: number;
}

export interface Transaction {
  /** Of the leadership under which it was decided. */
  readonly term: number;
  readonly expect: readonly Expectation[];
  readonly puts: readonly { readonly key: string; readonly value: string }[];
  readonly deletes: readonly string[];
}

/** What one transaction did. */
export interface StoreChange {
  readonly revision: number;
  readonly puts: readonly StoredRecord[];
  readonly deletes: readonly string[];
}

/**
 * Records one transaction may change. etcd refuses more than 128 parts of a transaction as it is installed, and two of
 * them are the term's and the newest revision's.
 */
export const TRANSACTION_RECORDS_MAX = 120;

export interface Store extends Election, AsyncDisposable {
  snapshot(): Promise<StoreSnapshot>;
  /** Revision of the newest transaction that anybody has been told to be done. */
  newest(): Promise<number>;
  /**
   * All or nothing; resolves with the new revision, larger than all before, once it would survive a power cut. Rejects
   * with "version-conflict" when an expectation does not hold, "not-leader" when the term is over, "storage-failed"
   * when the disk refuses, "limit-exceeded" when it changes too many records: then nothing was written. With any
   * other code nobody knows whether it was.
   */
  transact(transaction: Transaction): Promise<number>;
  /**
   * Every transaction after this revision, in order, none left out, until the signal aborts. Throws
   * "version-conflict" when some were compacted away, "limit-exceeded" when the reader is too far behind,
   * "unreachable" when the store is: then a new snapshot tells the rest.
   */
  watch(after: number, signal: AbortSignal): AsyncIterable<StoreChange>;
  /** Forgets how things came to be up to this revision; what is stored stays. */
  compact(through: number): Promise<void>;
}
