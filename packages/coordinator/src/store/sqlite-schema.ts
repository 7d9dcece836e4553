/** The tables of a sqlite store, how older ones become newer ones, and what is not opened at all. */
import type { DatabaseSync } from "node:sqlite";
import { MusterError } from "@muster/model";

/** "must" in ASCII, in the file's header from schema 2 on: tells our files from others'. */
export const APPLICATION_ID = 0x6d757374;

interface Migration {
  /** Of the schema it results in. */
  readonly version: number;
  readonly sql: string;
}

/** In order, each from the version before; never changed once released, only added to. */
const migrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE records (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL,
        revision INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      INSERT INTO state (name, value) VALUES ('revision', 0);
    `,
  },
  {
    version: 2,
    sql: `
      INSERT INTO state (name, value) VALUES ('term', 0);
      PRAGMA application_id = ${String(APPLICATION_ID)};
    `,
  },
];

/** Grows with every change of the tables. What the values of records look like is `ledger/format.ts`'s. */
export const SCHEMA_VERSION = migrations.length;

export const pragma = (database: DatabaseSync, name: string): unknown =>
  Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];

/** Throws `storage-failed` when the file is damaged or not a store, `version-mismatch` when a newer version wrote it. */
export function checkFile(database: DatabaseSync, path: string): void {
  const verdict = pragma(database, "quick_check(1)");
  if (verdict !== "ok") {
    throw new MusterError("storage-failed", `the store ${path} is damaged: ${String(verdict)}`, {
      hint: "restore the newest backup: muster-coordinator restore FILE, then start again",
    });
  }
  const version = schemaVersion(database);
  const mark = Number(pragma(database, "application_id"));
  const isOurs = version === 0 ? isEmpty(database) : version === 1 || mark === APPLICATION_ID;
  if (!isOurs) {
    throw new MusterError("storage-failed", `${path} is a database of another program`, {
      hint: "move it away, or give the coordinator a data directory of its own",
    });
  }
  if (version <= SCHEMA_VERSION) return;
  const versions = `${String(version)}, this program knows ${String(SCHEMA_VERSION)}`;
  throw new MusterError("version-mismatch", `the store ${path} has schema version ${versions}`, {
    hint: "start the newer version of muster-coordinator",
  });
}

/** Brings an older schema to this program's, one version after another, each all or not at all. */
export function migrate(database: DatabaseSync): void {
  for (const { version, sql } of migrations) {
    if (version <= schemaVersion(database)) continue;
    database.exec("BEGIN IMMEDIATE");
    try {
      // Another process may have been faster.
      if (version > schemaVersion(database)) {
        database.exec(sql);
        database.exec(`PRAGMA user_version = ${String(version)}`);
      }
      database.exec("COMMIT");
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }
}

/**
 * Write-ahead log, every commit synchronised to the disk; asked and looked at, because sqlite silently keeps what it
 * had where a filesystem cannot do it. Throws `storage-failed`.
 */
export function makeDurable(database: DatabaseSync, path: string): void {
  database.exec("PRAGMA busy_timeout = 2000; PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL");
  const mode = pragma(database, "journal_mode");
  const synchronous = Number(pragma(database, "synchronous"));
  const isDurable = synchronous >= SYNCHRONOUS_FULL && (mode === "wal" || path === ":memory:");
  if (isDurable) return;
  const found = `journal_mode ${String(mode)}, synchronous ${String(synchronous)}`;
  throw new MusterError("storage-failed", `the store ${path} cannot be made durable (${found})`, {
    hint: "put the data directory on a local filesystem",
  });
}

const SYNCHRONOUS_FULL = 2;

export const schemaVersion = (database: DatabaseSync): number =>
  Number(pragma(database, "user_version"));

function isEmpty(database: DatabaseSync): boolean {
  return database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
}
