/**
 * A sign of life on shared storage: every agent counts in a file of its own there, and a peer can say whether another
 * host's count still grows. A host that cannot be reached but still writes to its disks must not be called dead. Clocks
 * do not matter: only whether the count changes while it is looked at.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostId } from "@muster/model";
import type { Clock, Log, Reconciler } from "@muster/runtime";

export interface StorageHeartbeats {
  /** A line for each shared storage: "shared: moving", "shared: still" or "shared: missing". */
  read(hostId: HostId): Promise<readonly string[]>;
}

/** For hosts that share no storage. */
export const noStorageHeartbeats: StorageHeartbeats = { read: async () => [] };

export interface SharedDirectory {
  readonly name: string;
  readonly path: string;
}

export interface FileHeartbeatParts {
  readonly hostId: HostId;
  /** Shared storages that are directories here, as the inventory has them. */
  readonly directories: () => Promise<readonly SharedDirectory[]>;
  readonly clock: Clock;
  readonly log: Log;
}

/** In every shared storage. libvirt's pools leave directories alone. */
const DIRECTORY = ".muster";
export const HEARTBEAT_PERIOD_MS = 5_000;
/** Two periods and what a slow file server takes: a host that lives has written by then. */
const WATCH_MS = 2 * HEARTBEAT_PERIOD_MS + 3_000;

export class FileHeartbeats implements StorageHeartbeats, Reconciler {
  readonly name = "storage-heartbeat";
  readonly periodMs = HEARTBEAT_PERIOD_MS;
  readonly #parts: FileHeartbeatParts;
  /** Storages whose last write has not come back: a file server that hangs must not be given more to hang on. */
  readonly #hanging = new Set<string>();
  readonly #failed = new Set<string>();
  #count = 0;

  constructor(parts: FileHeartbeatParts) {
    this.#parts = parts;
  }

  async reconcile(): Promise<void> {
    this.#count += 1;
    for (const directory of await this.#parts.directories()) {
      if (this.#hanging.has(directory.path)) continue;
      this.#hanging.add(directory.path);
      // Not waited for: other storages, and the next pass, must not hang on this one.
      void this.#write(directory).finally(() => this.#hanging.delete(directory.path));
    }
  }

  async read(hostId: HostId): Promise<readonly string[]> {
    const directories = await this.#parts.directories();
    const looks = directories.map((directory) => this.#watch(directory, hostId));
    return Promise.all(looks);
  }

  async #watch({ name, path }: SharedDirectory, hostId: HostId): Promise<string> {
    const before = await countIn(path, hostId);
    if (before === undefined) return `${name}: missing`;
    await this.#parts.clock.sleep(WATCH_MS);
    return `${name}: ${(await countIn(path, hostId)) === before ? "still" : "moving"}`;
  }

  async #write({ name, path }: SharedDirectory): Promise<void> {
    const { hostId, log } = this.#parts;
    try {
      await ensureDirectory(join(path, DIRECTORY));
      await writeFile(join(path, DIRECTORY, hostId), `${String(this.#count)}\n`);
      this.#failed.delete(path);
    } catch (error) {
      if (!this.#failed.has(path)) {
        log.warn({ storage: name, err: error }, "the sign of life on shared storage fails");
      }
      this.#failed.add(path);
    }
  }
}

/** Only the last part: a storage that is not mounted must not be made up. */
async function ensureDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o755 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/** Undefined: the host has never written there, or nothing can be read. */
async function countIn(path: string, hostId: HostId): Promise<string | undefined> {
  try {
    return await readFile(join(path, DIRECTORY, hostId), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}
