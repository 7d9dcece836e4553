/**
 * Where the coordinator's durable truth lives: records by key, changed by atomic, durable transactions. Values are
 * opaque text here; `ledger/` knows what they mean.
 */

export interface StoredRecord {
  readonly key: string;
  readonly value: string;
  /** Revision of the transaction that wrote it. */
  readonly revision: number;
}

export interface StoreSnapshot {
  readonly revision: number;
  readonly records: readonly StoredRecord[];
}

/** `revision` 0: the key must not exist. */
export interface Expectation {
  readonly key: string;
  readonly revision: number;
}

export interface Transaction {
  readonly expect: readonly Expectation[];
  readonly puts: readonly { readonly key: string; readonly value: string }[];
  readonly deletes: readonly string[];
}

export interface Store extends AsyncDisposable {
  snapshot(): Promise<StoreSnapshot>;
  /**
   * All or nothing; resolves with the new revision once it would survive a power cut.
   * Rejects with "version-conflict" when an expectation does not hold, "storage-failed" when the disk refuses.
   */
  transact(transaction: Transaction): Promise<number>;
}
