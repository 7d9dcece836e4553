/** The lease in a file of the runtime directory, and time since boot from the kernel. */
import { readFileSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { MusterError } from "@muster/model";
import type { BootClock, KeptLease, LeaseStore } from "./watchdog.ts";

export class LeaseFile implements LeaseStore {
  readonly #path: string;
  #tail: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<KeptLease | undefined> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw new MusterError("storage-failed", `failed to read ${this.#path}`, { cause: error });
    }
    const [bootId = "", endsMs, armed] = text.trim().split(" ");
    // Cut short, it says nothing; what it said before is over by now.
    if (armed === undefined || !Number.isFinite(Number(endsMs))) return undefined;
    return { bootId, endsMs: Number(endsMs), armed: armed === "armed" };
  }

  /** One after another: the newest is the last. */
  save({ bootId, endsMs, armed }: KeptLease): Promise<void> {
    const ends = Number.isFinite(endsMs) ? Math.floor(endsMs) : 0;
    const text = `${bootId} ${String(ends)} ${armed ? "armed" : "stopped"}\n`;
    const turn = this.#tail.then(() => this.#write(text));
    this.#tail = turn.then(ignore, ignore);
    return turn;
  }

  async #write(text: string): Promise<void> {
    try {
      await writeFile(`${this.#path}.new`, text, { mode: 0o600 });
      await rename(`${this.#path}.new`, this.#path);
    } catch (cause) {
      throw new MusterError("storage-failed", `failed to write ${this.#path}`, { cause });
    }
  }
}

function ignore(): void {
  // Whoever asked for the write has its outcome.
}

/** Outlives a simulated agent because somebody else holds it. */
export class MemoryLease implements LeaseStore {
  #kept: KeptLease | undefined;

  async load(): Promise<KeptLease | undefined> {
    return this.#kept;
  }

  async save(lease: KeptLease): Promise<void> {
    this.#kept = lease;
  }
}

/** The kernel's: it counts time asleep, which a process's own clocks leave out. */
export const linuxBootClock = (): BootClock => ({
  bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
  uptimeMs: () => Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1_000,
});
