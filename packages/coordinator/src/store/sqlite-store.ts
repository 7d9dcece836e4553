/**
 * The embedded store: one sqlite file, nothing to install, one coordinator. A resolved transaction survives a power
 * cut. Who campaigns leads; a term that a later one has overtaken, in whatever process, writes nothing.
 */
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { MusterError } from "@muster/model";
import { nextTurn } from "@muster/runtime";
import { ChangeHistory } from "./change-history.ts";
import { checkExpectations, checkSize, notLeader } from "./check-transaction.ts";
import type { Leader, Leadership, Member } from "./election.ts";
import { LocalElection } from "./local-election.ts";
import { checkFile, makeDurable, migrate, SCHEMA_VERSION, schemaVersion } from "./sqlite-schema.ts";
import type { Store, StoreChange, StoredRecord, StoreSnapshot, Transaction } from "./store.ts";

/** A database that is gone with its process: only tests and simulations have one, and keep their own time. */
const MEMORY = ":memory:";

export class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #history: ChangeHistory;
  readonly #election: LocalElection;

  private constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#history = new ChangeHistory(this.#number("revision"));
    this.#election = new LocalElection(() => this.#nextTerm());
  }

  /**
   * `path` may be ":memory:". Refuses a damaged file, another program's, and one written by a newer version. An older
   * one is brought to this version; a copy as it was stays beside it.
   */
  static open(path: string): SqliteStore {
    try {
      const database = new DatabaseSync(path);
      try {
        checkFile(database, path);
        makeDurable(database, path);
        keepOlder(database, path);
        migrate(database);
        return new SqliteStore(database, path);
      } catch (error) {
        database.close();
        throw error;
      }
    } catch (cause) {
      if (cause instanceof MusterError) throw cause;
      throw new MusterError("storage-failed", `failed to open the store ${path}`, { cause });
    }
  }

  async snapshot(): Promise<StoreSnapshot> {
    // One read transaction: another process may be writing.
    this.#database.exec("BEGIN");
    try {
      const rows = this.#database
        .prepare("SELECT key, value, revision FROM records ORDER BY key")
        .all();
      const records = rows.map((row): StoredRecord => ({
        key: String(row["key"]),
        value: String(row["value"]),
        revision: Number(row["revision"]),
      }));
      return { revision: this.#number("revision"), records };
    } finally {
      this.#database.exec("COMMIT");
    }
  }

  async newest(): Promise<number> {
    return this.#number("revision");
  }

  async transact(transaction: Transaction): Promise<number> {
    checkSize(transaction);
    const change = this.#inTransaction("write to", () => {
      const term = this.#number("term");
      if (transaction.term !== term) throw notLeader(transaction.term, term);
      checkExpectations(transaction.expect, (key) => this.#revisionOf(key));
      return this.#write(transaction, this.#number("revision") + 1);
    });
    this.#history.record(change);
    // Sqlite works without letting go of the thread: a hundred decisions in a row would leave no heartbeat heard.
    if (this.#path !== MEMORY) await nextTurn();
    return change.revision;
  }

  watch(after: number, signal: AbortSignal): AsyncIterable<StoreChange> {
    return this.#history.watch(after, signal);
  }

  async compact(through: number): Promise<void> {
    this.#history.compact(through);
  }

  campaign(member: Member, signal: AbortSignal): Promise<Leadership> {
    return this.#election.campaign(member, signal);
  }

  async leader(): Promise<Leader | undefined> {
    return this.#election.leader;
  }

  async members(): Promise<readonly Member[]> {
    return this.#election.members;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new MusterError("unreachable", "the store was closed");
    this.#election.end(closed);
    this.#history.end(closed);
    this.#database.close();
  }

  #nextTerm(): number {
    return this.#inTransaction("begin a term in", () => {
      const term = this.#number("term") + 1;
      this.#setNumber("term", term);
      return term;
    });
  }

  #inTransaction<Result>(doing: string, work: () => Result): Result {
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      const result = work();
      this.#database.exec("COMMIT");
      return result;
    } catch (cause) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      if (cause instanceof MusterError) throw cause;
      const message = `failed to ${doing} the store ${this.#path}`;
      throw new MusterError("storage-failed", message, { cause });
    }
  }

  #write({ puts, deletes }: Transaction, revision: number): StoreChange {
    const put = this.#database.prepare(
      "INSERT INTO records (key, value, revision) VALUES (?, ?, ?) " +
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision",
    );
    for (const { key, value } of puts) put.run(key, value, revision);
    const remove = this.#database.prepare("DELETE FROM records WHERE key = ?");
    const gone = deletes.filter((key) => remove.run(key).changes > 0);
    this.#setNumber("revision", revision);
    return { revision, puts: puts.map((record) => ({ ...record, revision })), deletes: gone };
  }

  #revisionOf(key: string): number {
    const row = this.#database.prepare("SELECT revision FROM records WHERE key = ?").get(key);
    return Number(row?.["revision"] ?? 0);
  }

  #number(name: "revision" | "term"): number {
    const row = this.#database.prepare("SELECT value FROM state WHERE name = ?").get(name);
    return Number(row?.["value"] ?? 0);
  }

  #setNumber(name: "revision" | "term", value: number): void {
    this.#database.prepare("UPDATE state SET value = ? WHERE name = ?").run(value, name);
  }
}

/** An older program can go on with the copy, should the newer one have to be taken back. */
function keepOlder(database: DatabaseSync, path: string): void {
  const version = schemaVersion(database);
  const copy = `${path}.schema-${String(version)}`;
  if (version === 0 || version === SCHEMA_VERSION || path === MEMORY || existsSync(copy)) return;
  database.prepare("VACUUM INTO ?").run(copy);
}
