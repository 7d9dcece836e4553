/**
 * The journal as a file: one JSON record a line, each with a checksum, appended and synchronised. A line that was cut
 * short by a crash is the last one and is dropped: its writer never got to act on it.
 */
import { createHash } from "node:crypto";
import {
  fromJson,
  MusterError,
  toJson,
  type Command,
  type CommandId,
  type CommandResult,
} from "@muster/model";
import type { Journal, JournalEntry } from "./journal.ts";
import { JournalTable, type JournalRecord } from "./journal-table.ts";
import { DiskFile, type LogFile } from "./log-file.ts";

/** Lines on top of those that matter, after which the file is rewritten. Fewer rewrite often, more replay slowly. */
const SPENT_LINES_MAX = 1_000;

export class FileJournal implements Journal, AsyncDisposable {
  readonly #file: LogFile;
  readonly #table: JournalTable;
  #lines: number;
  #linesMax: number;
  #tail: Promise<unknown> = Promise.resolve();
  /** A write failed: half a line may be in the file, and what follows it would be taken for damage. */
  #isTorn = false;

  private constructor(file: LogFile, table: JournalTable) {
    this.#file = file;
    this.#table = table;
    this.#lines = table.records().length;
    this.#linesMax = this.#lines + SPENT_LINES_MAX;
  }

  /** Creates the file when it is missing. A damaged line before the last is refused: the disk lies. */
  static open(path: string): Promise<FileJournal> {
    return FileJournal.on(new DiskFile(path));
  }

  static async on(file: LogFile): Promise<FileJournal> {
    try {
      const records = parseLines(await file.read(), file.path);
      const table = new JournalTable();
      for (const record of records) table.apply(record);
      await file.replace(renderLines(table.records()));
      return new FileJournal(file, table);
    } catch (cause) {
      if (cause instanceof MusterError) throw cause;
      throw new MusterError("storage-failed", `failed to open the journal ${file.path}`, { cause });
    }
  }

  entries(): readonly JournalEntry[] {
    return this.#table.entries();
  }

  find(commandId: CommandId): JournalEntry | undefined {
    return this.#table.find(commandId);
  }

  begin(command: Command): Promise<void> {
    return this.#write({ kind: "begun", command });
  }

  finish(result: CommandResult): Promise<void> {
    return this.#write({ kind: "finished", result });
  }

  forget(commandId: CommandId): Promise<void> {
    return this.#write({ kind: "forgotten", commandId });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail;
    await this.#file.close();
  }

  /** One after another, in the order they were asked for. */
  #write(record: JournalRecord): Promise<void> {
    const turn = this.#tail.then(() => this.#append(record));
    this.#tail = turn.then(ignore, ignore);
    return turn;
  }

  async #append(record: JournalRecord): Promise<void> {
    try {
      if (this.#isTorn || this.#lines > this.#linesMax) await this.#compact();
      this.#isTorn = true;
      await this.#file.append(renderLine(record));
      // A forgotten entry that comes back after a crash is only answered once more: no need to wait for the disk.
      if (record.kind !== "forgotten") await this.#file.sync();
      this.#isTorn = false;
      this.#table.apply(record);
      this.#lines += 1;
    } catch (cause) {
      throw new MusterError("storage-failed", `failed to write the journal ${this.#file.path}`, {
        cause,
        hint: "check the space and health of the disk that holds the agent's data directory",
      });
    }
  }

  async #compact(): Promise<void> {
    const records = this.#table.records();
    await this.#file.replace(renderLines(records));
    this.#lines = records.length;
    this.#linesMax = records.length + SPENT_LINES_MAX;
    this.#isTorn = false;
  }
}

function ignore(): void {
  // Whoever asked for the write has its outcome.
}

const checksum = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 16);

function renderLine(record: JournalRecord): string {
  const text = toJson(record);
  return `${checksum(text)} ${text}\n`;
}

const renderLines = (records: readonly JournalRecord[]): string => records.map(renderLine).join("");

function parseLines(text: string, path: string): readonly JournalRecord[] {
  const lines = text.split("\n");
  // What follows the last newline was never finished.
  lines.pop();
  const records: JournalRecord[] = [];
  lines.forEach((line, index) => {
    const json = line.slice(17);
    if (line.slice(0, 16) === checksum(json)) {
      records.push(fromJson(json) as JournalRecord);
    } else if (index < lines.length - 1) {
      const where = `line ${String(index + 1)} of ${String(lines.length)}`;
      throw new MusterError("storage-failed", `the journal ${path} is damaged: ${where}`, {
        hint: "check the disk; to start without a journal, move the file away while no operation is running",
      });
    }
  });
  return records;
}
