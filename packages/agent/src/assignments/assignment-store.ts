/** Keeps the assignments across restarts: the coordinator can vanish, the host's networks must not. */
import { open, readFile, rename } from "node:fs/promises";
import { fromJson, MusterError, toJson, upgradeNetworkSpec } from "@muster/model";
import type { Assigned } from "./assigned.ts";

export interface AssignmentStore {
  load(): Promise<Assigned | undefined>;
  save(assigned: Assigned): Promise<void>;
}

/** A file of an earlier version, in the present form. */
const upgraded = (assigned: Assigned): Assigned => ({
  ...assigned,
  networks: assigned.networks.map(upgradeNetworkSpec),
  vms: assigned.vms.map((vm) => ({ ...vm, nics: "nics" in vm ? vm.nics : [] })),
});

export class FileAssignmentStore implements AssignmentStore {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<Assigned | undefined> {
    try {
      return upgraded(fromJson(await readFile(this.#path, "utf8")) as Assigned);
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
      throw new MusterError("storage-failed", `the assignments in ${this.#path} cannot be read`, {
        cause,
        hint: "remove the file: the coordinator sends them again when the agent connects",
      });
    }
  }

  async save(assigned: Assigned): Promise<void> {
    try {
      const fresh = `${this.#path}.new`;
      const file = await open(fresh, "w", 0o600);
      await file.writeFile(toJson(assigned));
      await file.sync();
      await file.close();
      await rename(fresh, this.#path);
    } catch (cause) {
      throw new MusterError("storage-failed", `failed to write ${this.#path}`, { cause });
    }
  }
}

/** Outlives a simulated agent because somebody else holds it. */
export class MemoryAssignmentStore implements AssignmentStore {
  #assigned: Assigned | undefined;

  async load(): Promise<Assigned | undefined> {
    return this.#assigned;
  }

  async save(assigned: Assigned): Promise<void> {
    this.#assigned = assigned;
  }
}
