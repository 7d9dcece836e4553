/** start, stop, reboot, pause, resume, rm: one request each. */
import { AdminService, VmChange } from "@muster/proto/admin";
import type { Command } from "commander";
import type { ExitCode } from "../exit-codes.ts";
import { callChange, parseNameOrId, whyOf, type ChangeOptions, type Session } from "../session.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, durationOf, example } from "./flags.ts";
import type { Run } from "./run.ts";
import { vmOutcome } from "./vm-outcome.ts";

interface ChangeVmOptions extends ChangeOptions, WaitOptions {
  readonly force?: boolean;
  /** Milliseconds. */
  readonly grace?: number;
  readonly keepVolumes?: boolean;
}

interface Verb {
  readonly name: string;
  readonly description: string;
  readonly example: string;
  readonly change: VmChange;
  /** With --force; absent: there is no such flag. */
  readonly forced?: { readonly change: VmChange; readonly description: string };
}

const verbs: readonly Verb[] = [
  {
    name: "start",
    description: "start a stopped VM",
    example: "muster vm start web-1",
    change: VmChange.START,
  },
  {
    name: "stop",
    description: "ask the guest to shut down",
    example: "muster vm stop web-1 --grace 30s",
    change: VmChange.STOP,
    forced: { change: VmChange.FORCE_STOP, description: "pull the plug instead" },
  },
  {
    name: "reboot",
    description: "ask the guest to reboot",
    example: "muster vm reboot web-1",
    change: VmChange.REBOOT,
    forced: { change: VmChange.FORCE_REBOOT, description: "reset it instead" },
  },
  {
    name: "pause",
    description: "stop the VM's CPUs; it stays in memory",
    example: "muster vm pause web-1",
    change: VmChange.PAUSE,
  },
  {
    name: "resume",
    description: "let a paused VM go on",
    example: "muster vm resume web-1",
    change: VmChange.RESUME,
  },
  {
    name: "rm",
    description: "delete a stopped VM and its volumes",
    example: "muster vm rm web-1 --keep-volumes",
    change: VmChange.DELETE,
    forced: { change: VmChange.FORCE_DELETE, description: "pull the plug first if it runs" },
  },
];

export function addVmChanges(vm: Command, run: Run): void {
  for (const verb of verbs) {
    const command = addWaitFlags(addChangeFlags(vm.command(verb.name)))
      .argument("<vm>", "name or id")
      .description(verb.description)
      .addHelpText("after", example(verb.example))
      .action((name: string, options: ChangeVmOptions, self: Command) =>
        run(self, (session) => changeVm(session, { verb, name }, options)),
      );
    if (verb.forced !== undefined) command.option("--force", verb.forced.description);
    if (verb.change === VmChange.STOP) {
      const text = "how long the guest may take (default: 2m)";
      command.option("--grace <duration>", text, durationOf("--grace"));
    }
    if (verb.change === VmChange.DELETE) {
      command.option("--keep-volumes", "leave its volumes on their storage");
    }
  }
}

async function changeVm(
  session: Session,
  what: { readonly verb: Verb; readonly name: string },
  options: ChangeVmOptions,
): Promise<ExitCode> {
  const { verb, name } = what;
  const vm = parseNameOrId(name, "vm");
  const answer = await callChange(session, AdminService.changeVm, {
    doing: `${verb.name} VM ${name}`,
    request: {
      vm,
      change: options.force === true && verb.forced ? verb.forced.change : verb.change,
      graceMs: options.grace ?? 0,
      keepVolumes: options.keepVolumes ?? false,
      why: whyOf(options, session),
    },
  });
  if (options.dryRun === true) {
    const summary = answer.summary === "" ? `${verb.name} VM ${name}` : answer.summary;
    return showDryRun(session, [`would ${summary}`], { summary });
  }
  return finishOperation(session, {
    operation: answer.operation,
    options,
    outcome: async () =>
      verb.change === VmChange.DELETE
        ? { sentence: `VM ${name} is deleted`, data: {} }
        : vmOutcome(session, vm),
  });
}
