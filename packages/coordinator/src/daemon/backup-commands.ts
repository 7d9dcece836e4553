/** `muster-coordinator backup FILE | restore FILE`. */
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MusterError } from "@muster/model";
import { replaceFile, systemClock } from "@muster/runtime";
import { readBackup, writeBackup, type Backup, type BackupFile } from "../backup/backup-file.ts";
import { restoreInto } from "../backup/restore.ts";
import { lockDirectory } from "../store/directory-lock.ts";
import { SqliteStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import type { CoordinatorConfig } from "./config.ts";
import { openEtcd, SQLITE_FILE } from "./open-store.ts";

const SECRETS = ["authority/key.pem", "authority/certificate.pem", "authority.seal"];

/** While the coordinator runs, or not. Gives a sentence for people. */
export async function backup(config: CoordinatorConfig, path: string): Promise<string> {
  const { dataDirectory } = config;
  await using store = await existingStore(config);
  const taken = await take(store, dataDirectory);
  if (taken.snapshot.records.length === 0) {
    throw new MusterError("not-found", "there is nothing to back up: no coordinator has led yet");
  }
  writeBackup(path, taken);
  const count = String(taken.snapshot.records.length);
  return `${path}: ${count} records, revision ${String(taken.snapshot.revision)}; keep it as secret as a root key`;
}

/** While no coordinator runs. What was there before is kept aside. */
export async function restore(config: CoordinatorConfig, path: string): Promise<string> {
  const { dataDirectory } = config;
  const wanted = readBackup(path);
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  using _lock = lockDirectory(dataDirectory);
  const stamp = systemClock.wall().toISOString().replaceAll(/[:.]/g, "-");
  const aside = join(dataDirectory, `before-restore-${stamp}`);
  mkdirSync(aside, { mode: 0o700 });
  if (config.store.kind === "sqlite") await restoreSqlite(dataDirectory, aside, wanted);
  else await restoreEtcd(config, aside, wanted);
  for (const { name, text } of wanted.files) {
    keepAside(dataDirectory, aside, name);
    mkdirSync(dirname(join(dataDirectory, name)), { recursive: true, mode: 0o700 });
    await replaceFile(join(dataDirectory, name), { text, mode: 0o600 });
  }
  return `restored what was stored at ${wanted.takenAt}; what was here before is in ${aside}`;
}

async function restoreSqlite(directory: string, aside: string, wanted: Backup): Promise<void> {
  const partial = join(directory, "restoring.sqlite");
  for (const end of ["", "-wal", "-shm"]) keepAside(directory, aside, `restoring.sqlite${end}`);
  {
    await using store = SqliteStore.open(partial);
    await restoreInto(store, wanted, systemClock);
  }
  for (const end of ["", "-wal", "-shm"]) keepAside(directory, aside, `${SQLITE_FILE}${end}`);
  renameSync(partial, join(directory, SQLITE_FILE));
}

async function restoreEtcd(
  config: CoordinatorConfig,
  aside: string,
  wanted: Backup,
): Promise<void> {
  await using store = await existingStore(config);
  const before = await take(store, config.dataDirectory);
  if (before.snapshot.records.length > 0) writeBackup(join(aside, "etcd.backup"), before);
  await restoreInto(store, wanted, systemClock);
}

function keepAside(directory: string, aside: string, name: string): void {
  if (!existsSync(join(directory, name))) return;
  mkdirSync(dirname(join(aside, name)), { recursive: true, mode: 0o700 });
  renameSync(join(directory, name), join(aside, name));
}

async function take(store: Store, dataDirectory: string): Promise<Backup> {
  const snapshot = await store.snapshot();
  const files = SECRETS.flatMap((name): readonly BackupFile[] => {
    const path = join(dataDirectory, name);
    return existsSync(path) ? [{ name, text: readFileSync(path, "utf8") }] : [];
  });
  return { snapshot, files, takenAt: systemClock.wall().toISOString() };
}

async function existingStore({ dataDirectory, store }: CoordinatorConfig): Promise<Store> {
  if (store.kind === "etcd") return openEtcd(store);
  const path = join(dataDirectory, SQLITE_FILE);
  if (existsSync(path)) return SqliteStore.open(path);
  throw new MusterError("not-found", `there is no coordinator in ${dataDirectory}`, {
    hint: "name its configuration: --config FILE, or --data-directory DIR",
  });
}
