/**
 * What the agent was told to do and what came of it, written before it acts. With it, a repeated command is answered
 * instead of repeated, and an agent that was killed in the middle knows what it was doing (S4).
 */
import type { Command, CommandId, CommandResult } from "@muster/model";

export interface JournalEntry {
  readonly command: Command;
  /** Absent: begun, and not ended as far as the journal knows. */
  readonly result?: CommandResult;
}

export interface Journal {
  entries(): readonly JournalEntry[];
  find(commandId: CommandId): JournalEntry | undefined;
  /** Resolves once it would survive a power cut. Rejects with "storage-failed", and then nothing may be done. */
  begin(command: Command): Promise<void>;
  /** Resolves once it would survive a power cut. */
  finish(result: CommandResult): Promise<void>;
  /** The coordinator has recorded the result. */
  forget(commandId: CommandId): Promise<void>;
}
