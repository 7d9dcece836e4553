/** The journal in memory, rebuilt by replaying its records. Pure but for its own map. */
import type { Command, CommandId, CommandResult } from "@muster/model";
import type { JournalEntry } from "./journal.ts";

export type JournalRecord =
  | { readonly kind: "begun"; readonly command: Command }
  | { readonly kind: "finished"; readonly result: CommandResult }
  | { readonly kind: "forgotten"; readonly commandId: CommandId };

export class JournalTable {
  readonly #entries = new Map<CommandId, JournalEntry>();

  apply(record: JournalRecord): void {
    switch (record.kind) {
      case "begun":
        this.#entries.set(record.command.commandId, { command: record.command });
        return;
      case "finished": {
        const entry = this.#entries.get(record.result.commandId);
        if (entry !== undefined) {
          this.#entries.set(record.result.commandId, { ...entry, result: record.result });
        }
        return;
      }
      case "forgotten":
        this.#entries.delete(record.commandId);
        return;
    }
  }

  find(commandId: CommandId): JournalEntry | undefined {
    return this.#entries.get(commandId);
  }

  entries(): readonly JournalEntry[] {
    return [...this.#entries.values()];
  }

  /** The fewest records that give the same table. */
  records(): readonly JournalRecord[] {
    return this.entries().flatMap(({ command, result }): readonly JournalRecord[] => {
      const begun = { kind: "begun", command } as const;
      return result === undefined ? [begun] : [begun, { kind: "finished", result }];
    });
  }
}
