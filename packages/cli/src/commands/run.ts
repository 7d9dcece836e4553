import type { Command } from "commander";
import type { ExitCode } from "../exit-codes.ts";
import type { Session } from "../session.ts";

/** Opens the session the command's flags ask for, does the work, closes it, and keeps the exit code. */
export type Run = (
  command: Command,
  work: (session: Session) => Promise<ExitCode>,
) => Promise<void>;
