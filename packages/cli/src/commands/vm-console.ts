import type { Command } from "commander";
import { runConsole } from "../console/run-console.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { parseNameOrId, type Session } from "../session.ts";
import { durationOf, example } from "./flags.ts";
import type { Run } from "./run.ts";

interface ConsoleOptions {
  readonly force?: boolean;
  /** Milliseconds. */
  readonly for?: number;
}

export function addVmConsole(vm: Command, run: Run): void {
  vm.command("console")
    .argument("<vm>", "name or id")
    .description("connect to a VM's serial console; Ctrl-] leaves")
    .option("--force", "take it from whoever has it")
    .option("--for <duration>", "leave after this long", durationOf("--for"))
    .addHelpText(
      "after",
      example("muster vm console web-1", "echo uptime | muster vm console web-1 --for 2s"),
    )
    .action((name: string, options: ConsoleOptions, command: Command) =>
      run(command, (session) => openConsole(session, name, options)),
    );
}

async function openConsole(
  session: Session,
  name: string,
  options: ConsoleOptions,
): Promise<ExitCode> {
  const vm = parseNameOrId(name, "vm");
  const isTyped = session.surroundings.stdin.isTTY === true;
  if (isTyped) session.output.note(`console of VM ${name}; Ctrl-] leaves`);
  const end = await runConsole(session, {
    vm,
    force: options.force ?? false,
    ...(options.for === undefined ? {} : { durationMs: options.for }),
  });
  if (isTyped) session.output.note(end === "left" ? "\nleft the console" : "\nthe console ended");
  return exitCodes.ok;
}
