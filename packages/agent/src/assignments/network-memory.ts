/** What the host's networks are known to be good as, and what was tried: survives the agent, and a reboot. */
import { open, readFile, rename } from "node:fs/promises";
import {
  fromJson,
  MusterError,
  toJson,
  type NetworkAttempt,
  type NetworkSpec,
} from "@muster/model";
import type { HostLayout } from "../networks/host-layout.ts";

/** A configuration that the coordinator was heard over. */
export interface ConfirmedNetworks {
  /** Empty: from a coordinator without transactions. */
  readonly revision: string;
  readonly networks: readonly NetworkSpec[];
  /** Absent: from an agent or coordinator that knew none. */
  readonly layout?: HostLayout;
}

export interface NetworkMemory {
  /** Absent: none was ever confirmed. */
  readonly confirmed?: ConfirmedNetworks;
  /** Newest last. One that is under way is the last. */
  readonly attempts: readonly NetworkAttempt[];
}

export interface NetworkMemoryStore {
  load(): Promise<NetworkMemory | undefined>;
  save(memory: NetworkMemory): Promise<void>;
}

export class FileNetworkMemory implements NetworkMemoryStore {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<NetworkMemory | undefined> {
    try {
      return fromJson(await readFile(this.#path, "utf8")) as NetworkMemory;
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
      throw new MusterError("storage-failed", `what is in ${this.#path} cannot be read`, {
        cause,
        hint: "remove the file: the networks that are assigned are then tried anew",
      });
    }
  }

  async save(memory: NetworkMemory): Promise<void> {
    try {
      const fresh = `${this.#path}.new`;
      const file = await open(fresh, "w", 0o600);
      await file.writeFile(toJson(memory));
      await file.sync();
      await file.close();
      await rename(fresh, this.#path);
    } catch (cause) {
      throw new MusterError("storage-failed", `failed to write ${this.#path}`, { cause });
    }
  }
}

/** Outlives a simulated agent because somebody else holds it. */
export class KeptNetworkMemory implements NetworkMemoryStore {
  #memory: NetworkMemory | undefined;

  async load(): Promise<NetworkMemory | undefined> {
    return this.#memory;
  }

  async save(memory: NetworkMemory): Promise<void> {
    this.#memory = memory;
  }
}
