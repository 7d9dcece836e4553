/**
 * One file on a disk that tells the truth only about what was synchronised: a power cut takes a part of the rest,
 * chosen by chance and at any byte. Full, it takes nothing more; read-only, it says so.
 */
import type { LogFile } from "@muster/agent/simulated";
import type { Random } from "@muster/runtime";

export type DiskTrouble = "full" | "read-only";

export class SimulatedDisk implements LogFile {
  readonly path: string;
  readonly #random: Random;
  readonly #wrote: (text: string) => void;
  #durable = "";
  #written = "";
  #trouble: DiskTrouble | undefined;

  constructor(parts: {
    readonly path: string;
    readonly random: Random;
    readonly wrote: (text: string) => void;
  }) {
    this.path = parts.path;
    this.#random = parts.random;
    this.#wrote = parts.wrote;
  }

  /** From now on nothing can be written; undefined: all is well again. */
  setTrouble(trouble: DiskTrouble | undefined): void {
    this.#trouble = trouble;
  }

  /** What was written and not synchronised is lost from some byte on. */
  powerCut(): void {
    const kept = Math.floor(this.#random.fraction() * (this.#written.length + 1));
    this.#durable += this.#written.slice(0, kept);
    this.#written = "";
  }

  async read(): Promise<string> {
    return this.#durable + this.#written;
  }

  async replace(text: string): Promise<void> {
    this.#refuse("open");
    this.#durable = text;
    this.#written = "";
  }

  async append(text: string): Promise<void> {
    this.#wrote(text);
    if (this.#trouble === "full") {
      // As ext4 does it: what still fits is written, then the answer is no.
      this.#written += text.slice(0, Math.floor(this.#random.fraction() * text.length));
    }
    this.#refuse("write");
    this.#written += text;
  }

  async sync(): Promise<void> {
    this.#refuse("fdatasync");
    this.#durable += this.#written;
    this.#written = "";
  }

  async close(): Promise<void> {
    // The bytes are the disk's, not the process's.
  }

  #refuse(call: string): void {
    if (this.#trouble === undefined) return;
    const what =
      this.#trouble === "full" ? "ENOSPC: no space left on device" : "EROFS: read-only file system";
    throw new Error(`${what}, ${call} '${this.path}'`);
  }
}
