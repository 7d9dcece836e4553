/** The file under the journal: text is added at its end, and now and then the whole of it is replaced. */
import { open, readFile, rename, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { assert } from "@muster/model";

export interface LogFile {
  readonly path: string;
  /** Empty when there is no such file. */
  read(): Promise<string>;
  /** Atomic and durable: a crash leaves either the old text or the new one. What is appended then follows it. */
  replace(text: string): Promise<void>;
  /** Only after `replace`. Until `sync`, a power cut may take all of it or a part. */
  append(text: string): Promise<void>;
  /** Resolves once what was appended would survive a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export class DiskFile implements LogFile {
  readonly path: string;
  #handle: FileHandle | undefined;

  constructor(path: string) {
    this.path = path;
  }

  async read(): Promise<string> {
    try {
      return await readFile(this.path, "utf8");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
      throw error;
    }
  }

  async replace(text: string): Promise<void> {
    const fresh = `${this.path}.new`;
    const file = await open(fresh, "w", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
      await rename(fresh, this.path);
      const directory = await open(dirname(this.path), "r");
      await directory.sync();
      await directory.close();
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.#handle?.close();
    this.#handle = file;
  }

  async append(text: string): Promise<void> {
    await this.#open().appendFile(text);
  }

  async sync(): Promise<void> {
    await this.#open().datasync();
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }

  #open(): FileHandle {
    assert(this.#handle !== undefined, "a log file is replaced before it is added to");
    return this.#handle;
  }
}
