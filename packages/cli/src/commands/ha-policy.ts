/** ha set and ha reset: what the cluster does for a VM by itself. */
import { AdminService } from "@muster/proto/admin";
import { HaRestart } from "@muster/proto/types";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderPolicy } from "../render/ha.ts";
import { renderLines } from "../render/operation.ts";
import { callChange, parseNameOrId, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { parseHaFlag } from "../spec/ha-flag.ts";
import { decodeVm } from "../view/vm.ts";
import { required } from "../view/required.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, example } from "./flags.ts";
import type { Run } from "./run.ts";

type SetOptions = ChangeOptions & WaitOptions;

export function addHaPolicy(ha: Command, run: Run): void {
  addWaitFlags(addChangeFlags(ha.command("set")))
    .argument("<vm>", "name or id")
    .argument(
      "<policy>",
      "none, or restart=never|on-failure|always, priority=0..1000, restarts=N, window=1h, isolation=stop|run, autostart=yes|no, joined by commas",
    )
    .description("change what the cluster does for a VM by itself")
    .addHelpText(
      "after",
      example("muster ha set web-1 restart=on-failure,priority=200", "muster ha set web-1 none"),
    )
    .action((name: string, policy: string, options: SetOptions, command: Command) =>
      run(command, (session) => setPolicy(session, { name, policy }, options)),
    );
  addChangeFlags(ha.command("reset"))
    .argument("<vm>", "name or id")
    .description("let a VM that was left in error be restarted again")
    .addHelpText("after", example("muster ha reset web-1"))
    .action((name: string, options: ChangeOptions, command: Command) =>
      run(command, (session) => resetVm(session, name, options)),
    );
}

async function setPolicy(
  session: Session,
  what: { readonly name: string; readonly policy: string },
  options: SetOptions,
): Promise<ExitCode> {
  const { name } = what;
  const ha = parseHaFlag(what.policy);
  const isNone = ha.restart === HaRestart.NEVER && !ha.autostart;
  const answer = await callChange(session, AdminService.setVmPolicy, {
    doing: `set the policy of VM ${name}`,
    request: {
      vm: parseNameOrId(name, "vm"),
      policy: isNone ? undefined : ha,
      why: whyOf(options, session),
    },
  });
  const policy = renderPolicy(ha);
  if (options.dryRun === true) {
    return showDryRun(session, [`would set the policy of VM ${name}: ${policy}`], { policy: ha });
  }
  return finishOperation(session, {
    operation: answer.operation,
    options,
    outcome: () =>
      Promise.resolve({ sentence: `VM ${name}: ${policy}`, data: { policy: isNone ? null : ha } }),
  });
}

async function resetVm(session: Session, name: string, options: ChangeOptions): Promise<ExitCode> {
  const answer = await callChange(session, AdminService.resetVm, {
    doing: `reset VM ${name}`,
    request: { vm: parseNameOrId(name, "vm"), why: whyOf(options, session) },
  });
  const vm = decodeVm(required(answer.vm, "vm"));
  if (options.dryRun === true) return showDryRun(session, [`would reset VM ${name}`], { vm });
  session.output.show({
    data: vm,
    names: [vm.name],
    table: () => renderLines([`VM ${vm.name} may be restarted again`]),
  });
  return exitCodes.ok;
}
