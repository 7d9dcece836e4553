/**
 * The embedded store: one sqlite file, nothing to install. Write-ahead log with full synchronisation, so that a
 * resolved transaction survives a power cut.
 */
import { DatabaseSync } from "node:sqlite";
import { MusterError } from "@muster/model";
import type { Store, StoredRecord, StoreSnapshot, Transaction } from "./store.ts";

/** Grows with every change of the tables below or of the records' form. */
const SCHEMA_VERSION = 1;

const schema = `
  CREATE TABLE IF NOT EXISTS records (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    revision INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT OR IGNORE INTO state (name, value) VALUES ('revision', 0);
`;

export class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #path: string;
  #revision: number;

  private constructor(database: DatabaseSync, path: string, revision: number) {
    this.#database = database;
    this.#path = path;
    this.#revision = revision;
  }

  /** `path` may be ":memory:". Refuses a damaged file and one written by a newer version. */
  static open(path: string): SqliteStore {
    try {
      const database = new DatabaseSync(path);
      database.exec(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000;",
      );
      checkIntegrity(database, path);
      checkVersion(database, path);
      database.exec(schema);
      const row = database.prepare("SELECT value FROM state WHERE name = 'revision'").get();
      return new SqliteStore(database, path, Number(row?.["value"] ?? 0));
    } catch (cause) {
      if (cause instanceof MusterError) throw cause;
      throw new MusterError("storage-failed", `failed to open the store ${path}`, { cause });
    }
  }

  async snapshot(): Promise<StoreSnapshot> {
    const rows = this.#database
      .prepare("SELECT key, value, revision FROM records ORDER BY key")
      .all();
    const records = rows.map((row): StoredRecord => ({
      key: String(row["key"]),
      value: String(row["value"]),
      revision: Number(row["revision"]),
    }));
    return { revision: this.#revision, records };
  }

  async transact(transaction: Transaction): Promise<number> {
    const revision = this.#revision + 1;
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      this.#check(transaction);
      this.#write(transaction, revision);
      this.#database.exec("COMMIT");
    } catch (cause) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      if (cause instanceof MusterError) throw cause;
      throw new MusterError("storage-failed", `failed to write to the store ${this.#path}`, {
        cause,
      });
    }
    this.#revision = revision;
    return revision;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#database.close();
  }

  #check(transaction: Transaction): void {
    const find = this.#database.prepare("SELECT revision FROM records WHERE key = ?");
    for (const { key, revision } of transaction.expect) {
      const found = Number(find.get(key)?.["revision"] ?? 0);
      if (found === revision) continue;
      const message = `${key} is at revision ${String(found)}, not ${String(revision)}`;
      throw new MusterError("version-conflict", message);
    }
  }

  #write(transaction: Transaction, revision: number): void {
    const put = this.#database.prepare(
      "INSERT INTO records (key, value, revision) VALUES (?, ?, ?) " +
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision",
    );
    for (const { key, value } of transaction.puts) put.run(key, value, revision);
    const remove = this.#database.prepare("DELETE FROM records WHERE key = ?");
    for (const key of transaction.deletes) remove.run(key);
    this.#database.prepare("UPDATE state SET value = ? WHERE name = 'revision'").run(revision);
  }
}

function checkIntegrity(database: DatabaseSync, path: string): void {
  const verdict = Object.values(database.prepare("PRAGMA quick_check(1)").get() ?? {})[0];
  if (verdict === "ok") return;
  throw new MusterError("storage-failed", `the store ${path} is damaged: ${String(verdict)}`, {
    hint: "restore the newest backup of this file, then start again",
  });
}

function checkVersion(database: DatabaseSync, path: string): void {
  const found = Number(Object.values(database.prepare("PRAGMA user_version").get() ?? {})[0]);
  if (found > SCHEMA_VERSION) {
    const versions = `${String(found)}, this program knows ${String(SCHEMA_VERSION)}`;
    throw new MusterError("version-mismatch", `the store ${path} has schema version ${versions}`, {
      hint: "start the newer version of muster-coordinator",
    });
  }
  database.exec(`PRAGMA user_version = ${String(SCHEMA_VERSION)}`);
}
