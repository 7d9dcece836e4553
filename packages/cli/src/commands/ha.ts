/** ha status, arm, disarm, and what is done for a VM. */
import { AdminService, HaMode } from "@muster/proto/admin";
import { Option, type Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderHa } from "../render/ha.ts";
import { renderLines } from "../render/operation.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { decodeHa } from "../view/ha.ts";
import { showDryRun } from "./finish-operation.ts";
import { addChangeFlags, example } from "./flags.ts";
import { addHaPolicy } from "./ha-policy.ts";
import type { Run } from "./run.ts";

interface DisarmOptions extends ChangeOptions {
  readonly mode: "freeze" | "ignore";
}

export function addHaCommands(program: Command, run: Run): void {
  const ha = program
    .command("ha")
    .description("high availability: what is done about hosts and VMs that fail");
  ha.command("status")
    .description("what is done, and what comes next for every host and VM")
    .addHelpText("after", example("muster ha status"))
    .action((_options, command: Command) => run(command, showHa));
  addChangeFlags(ha.command("disarm"))
    .description("fence nobody and restart nothing until it is armed again")
    .addOption(
      new Option(
        "--mode <mode>",
        "freeze: do what is due by then when armed again; ignore: take VMs that stopped meanwhile as stopped on purpose",
      )
        .choices(["freeze", "ignore"])
        .default("freeze"),
    )
    .addHelpText("after", example('muster ha disarm --mode freeze --reason "new switches"'))
    .action((options: DisarmOptions, command: Command) =>
      run(command, (session) =>
        setHa(session, options.mode === "freeze" ? HaMode.FREEZE : HaMode.IGNORE, options),
      ),
    );
  addChangeFlags(ha.command("arm"))
    .description("fence lost hosts and restart VMs again")
    .addHelpText("after", example("muster ha arm"))
    .action((options: ChangeOptions, command: Command) =>
      run(command, (session) => setHa(session, HaMode.ARMED, options)),
    );
  addHaPolicy(ha, run);
}

async function showHa({ admin, output }: Session): Promise<ExitCode> {
  const question = { doing: "show high availability", request: {} };
  const ha = decodeHa(await admin.call(AdminService.getHa, question));
  output.show({ data: ha, names: [ha.mode], table: (paint) => renderHa(ha, paint) });
  return exitCodes.ok;
}

async function setHa(session: Session, mode: HaMode, options: ChangeOptions): Promise<ExitCode> {
  const verb = mode === HaMode.ARMED ? "arm" : "disarm";
  const { notes } = await callChange(session, AdminService.setHa, {
    doing: `${verb} high availability`,
    request: { mode, why: whyOf(options, session) },
  });
  if (options.dryRun === true) {
    return showDryRun(session, [`would ${verb} high availability`, ...notes], { notes });
  }
  session.output.show({
    data: { armed: mode === HaMode.ARMED, notes },
    names: [verb],
    table: () => renderLines([`high availability is ${verb}ed`, ...notes]),
  });
  return exitCodes.ok;
}
