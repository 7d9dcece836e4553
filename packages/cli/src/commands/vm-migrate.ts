import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import type { ExitCode } from "../exit-codes.ts";
import { callChange, parseNameOrId, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { decodeExplanation } from "../view/operation.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, countOf, durationOf, example } from "./flags.ts";
import type { Run } from "./run.ts";
import { vmOutcome } from "./vm-outcome.ts";

interface MigrateOptions extends ChangeOptions, WaitOptions {
  readonly host?: string;
  /** MiB/s. */
  readonly bandwidth?: number;
  /** Commander's way of --no-auto-converge. */
  readonly autoConverge: boolean;
  readonly copyStorage?: boolean;
  /** Milliseconds. */
  readonly downtimeLimit?: number;
}

export function addVmMigrate(vm: Command, run: Run): void {
  addWaitFlags(addChangeFlags(vm.command("migrate")))
    .argument("<vm>", "name or id")
    .description("move a running VM to another host without stopping it")
    .option("--host <host>", "target (default: the best host)")
    .option("--bandwidth <mib-per-second>", "send no faster", countOf("--bandwidth"))
    .option("--no-auto-converge", "never slow the guest down, however fast it dirties memory")
    .option("--copy-storage", "copy disks that are on local storage")
    .option(
      "--downtime-limit <duration>",
      "longest pause of the guest at the end: 300ms",
      durationOf("--downtime-limit"),
    )
    .addHelpText(
      "after",
      example(
        'muster vm migrate web-1 --host h2 --reason "h1 gets new memory"',
        "muster vm migrate web-1 --dry-run",
      ),
    )
    .action((name: string, options: MigrateOptions, command: Command) =>
      run(command, (session) => migrateVm(session, name, options)),
    );
}

async function migrateVm(
  session: Session,
  name: string,
  options: MigrateOptions,
): Promise<ExitCode> {
  const vm = parseNameOrId(name, "vm");
  const answer = await callChange(session, AdminService.migrateVm, {
    doing: `migrate VM ${name}`,
    request: {
      vm,
      host: options.host === undefined ? "" : parseNameOrId(options.host, "--host"),
      bandwidthMibPerSecond: options.bandwidth ?? 0,
      noAutoConverge: !options.autoConverge,
      copyStorage: options.copyStorage ?? false,
      downtimeLimitMs: options.downtimeLimit ?? 0,
      why: whyOf(options, session),
    },
  });
  const { targetHost } = answer;
  const explanation =
    answer.explanation === undefined ? undefined : decodeExplanation(answer.explanation);
  if (options.dryRun === true) {
    const lines = [`would migrate VM ${name} to ${targetHost}`, ...(explanation?.lines ?? [])];
    return showDryRun(session, lines, { targetHost, explanation });
  }
  return finishOperation(session, {
    operation: answer.operation,
    options,
    data: { targetHost, explanation },
    outcome: () => vmOutcome(session, vm),
  });
}
