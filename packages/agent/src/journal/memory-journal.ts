/** A journal that outlives a simulated agent because somebody else holds it. */
import type { Command, CommandId, CommandResult } from "@muster/model";
import type { Journal, JournalEntry } from "./journal.ts";
import { JournalTable } from "./journal-table.ts";

export class MemoryJournal implements Journal {
  readonly #table = new JournalTable();

  entries(): readonly JournalEntry[] {
    return this.#table.entries();
  }

  find(commandId: CommandId): JournalEntry | undefined {
    return this.#table.find(commandId);
  }

  async begin(command: Command): Promise<void> {
    this.#table.apply({ kind: "begun", command });
  }

  async finish(result: CommandResult): Promise<void> {
    this.#table.apply({ kind: "finished", result });
  }

  async forget(commandId: CommandId): Promise<void> {
    this.#table.apply({ kind: "forgotten", commandId });
  }
}
