/** Which boot of the host the agent has seen to: what starts with the host is started once a boot. */
import { open, readFile, rename } from "node:fs/promises";
import { MusterError } from "@muster/model";

export interface BootStore {
  /** Undefined: none yet. */
  load(): Promise<string | undefined>;
  save(bootId: string): Promise<void>;
}

export class FileBootStore implements BootStore {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<string | undefined> {
    try {
      return (await readFile(this.#path, "utf8")).trim();
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
      throw new MusterError("storage-failed", `failed to read ${this.#path}`, { cause });
    }
  }

  async save(bootId: string): Promise<void> {
    try {
      const file = await open(`${this.#path}.new`, "w", 0o600);
      await file.writeFile(`${bootId}\n`);
      await file.sync();
      await file.close();
      await rename(`${this.#path}.new`, this.#path);
    } catch (cause) {
      throw new MusterError("storage-failed", `failed to write ${this.#path}`, { cause });
    }
  }
}

/** Outlives a simulated agent because somebody else holds it. */
export class MemoryBootStore implements BootStore {
  #bootId: string | undefined;

  async load(): Promise<string | undefined> {
    return this.#bootId;
  }

  async save(bootId: string): Promise<void> {
    this.#bootId = bootId;
  }
}
