/**
 * A backup: one sqlite file with every record as it was at one revision, and the secrets that a coordinator needs beside
 * them. The same for every store, so that one store's backup can be restored into another.
 */
import { createHash } from "node:crypto";
import { chmodSync, closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { invalid, MusterError } from "@muster/model";
import { pragma } from "../store/sqlite-schema.ts";
import type { StoreSnapshot } from "../store/store.ts";

/** "musb" in ASCII, in the file's header. */
const BACKUP_ID = 0x6d757362;
const BACKUP_VERSION = 1;

export interface BackupFile {
  /** Below the data directory: "authority/key.pem". */
  readonly name: string;
  readonly text: string;
}

export interface Backup {
  readonly snapshot: StoreSnapshot;
  readonly files: readonly BackupFile[];
  /** RFC 3339. */
  readonly takenAt: string;
}

/** Readable for its owner only. Whole, or not there. Throws `invalid` when the path is taken, `storage-failed`. */
export function writeBackup(path: string, backup: Backup): void {
  if (existsSync(path)) throw invalid("FILE", `${path} exists already`, "name another file");
  const partial = `${path}.partial`;
  try {
    rmSync(partial, { force: true });
    closeSync(openSync(partial, "wx", 0o600));
    fill(partial, backup);
    chmodSync(partial, 0o600);
    const file = openSync(partial, "r+");
    fsyncSync(file);
    closeSync(file);
    renameSync(partial, path);
  } catch (cause) {
    rmSync(partial, { force: true });
    throw new MusterError("storage-failed", `failed to write the backup ${path}`, { cause });
  }
}

/** Throws `storage-failed` for what is damaged or no backup, `version-mismatch` for a newer version's. */
export function readBackup(path: string): Backup {
  if (!existsSync(path)) throw new MusterError("not-found", `there is no file ${path}`);
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      check(database, path);
      const backup = contentOf(database);
      if (digestOf(backup) === aboutOf(database, "digest")) return backup;
      throw new Error("its contents do not have the checksum they were written with");
    } finally {
      database.close();
    }
  } catch (cause) {
    if (cause instanceof MusterError) throw cause;
    throw new MusterError("storage-failed", `the backup ${path} is damaged`, {
      cause,
      hint: "use another backup",
    });
  }
}

function fill(path: string, backup: Backup): void {
  const database = new DatabaseSync(path);
  try {
    database.exec(`
      PRAGMA application_id = ${String(BACKUP_ID)};
      PRAGMA user_version = ${String(BACKUP_VERSION)};
      BEGIN;
      CREATE TABLE records (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
      CREATE TABLE files (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
      CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    `);
    const record = database.prepare("INSERT INTO records VALUES (?, ?, ?)");
    for (const { key, value, revision } of backup.snapshot.records)
      record.run(key, value, revision);
    const file = database.prepare("INSERT INTO files VALUES (?, ?)");
    for (const { name, text } of backup.files) file.run(name, text);
    const about = database.prepare("INSERT INTO about VALUES (?, ?)");
    about.run("revision", String(backup.snapshot.revision));
    about.run("takenAt", backup.takenAt);
    about.run("digest", digestOf(backup));
    database.exec("COMMIT");
  } finally {
    database.close();
  }
}

function check(database: DatabaseSync, path: string): void {
  if (Number(pragma(database, "application_id")) !== BACKUP_ID) {
    throw new MusterError("storage-failed", `${path} is not a backup of muster-coordinator`);
  }
  const version = Number(pragma(database, "user_version"));
  if (version > BACKUP_VERSION) {
    const versions = `${String(version)}, this program knows ${String(BACKUP_VERSION)}`;
    throw new MusterError("version-mismatch", `the backup ${path} has version ${versions}`, {
      hint: "restore it with the newer version of muster-coordinator",
    });
  }
  const verdict = pragma(database, "quick_check(1)");
  if (verdict !== "ok") throw new Error(String(verdict));
}

function contentOf(database: DatabaseSync): Backup {
  const all = (query: string) => database.prepare(query).all();
  const records = all("SELECT key, value, revision FROM records ORDER BY key").map((row) => ({
    key: String(row["key"]),
    value: String(row["value"]),
    revision: Number(row["revision"]),
  }));
  const files = all("SELECT name, text FROM files ORDER BY name").map((row) => ({
    name: String(row["name"]),
    text: String(row["text"]),
  }));
  const revision = Number(aboutOf(database, "revision"));
  return { snapshot: { revision, records }, files, takenAt: aboutOf(database, "takenAt") };
}

const aboutOf = (database: DatabaseSync, name: string): string =>
  String(database.prepare("SELECT value FROM about WHERE name = ?").get(name)?.["value"] ?? "");

const byName = (left: string, right: string): number => (left < right ? -1 : 1);

function digestOf({ snapshot, files }: Backup): string {
  const hash = createHash("sha256");
  const records = snapshot.records.toSorted((left, right) => byName(left.key, right.key));
  for (const { key, value, revision } of records)
    hash.update(JSON.stringify([key, value, revision]));
  const texts = files.toSorted((left, right) => byName(left.name, right.name));
  for (const { name, text } of texts) hash.update(JSON.stringify([name, text]));
  return hash.digest("hex");
}
