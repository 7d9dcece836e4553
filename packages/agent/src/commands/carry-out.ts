/** Which function carries out which command. */
import { assertNever, MusterError, type CommandAction, type MigrationStats } from "@muster/model";
import type { CommandContext } from "./command-context.ts";
import { openConsole } from "./console.ts";
import { defineVm, deleteVm, rebootVm, startVm, stopVm } from "./lifecycle.ts";
import {
  cleanDeparture,
  finishArrival,
  migrateVm,
  prepareArrival,
  resumeMigration,
} from "./migration.ts";

/** Resolves with the statistics of a migration, and with nothing for any other command. */
export async function carryOut(
  context: CommandContext,
  action: CommandAction,
): Promise<MigrationStats | undefined> {
  if (action.kind === "migrate-vm") return migrateVm(context, action);
  await carryOutSimple(context, action);
  return undefined;
}

/** The same after a restart of the agent, when the command may have taken effect already. */
export async function resume(
  context: CommandContext,
  action: CommandAction,
): Promise<MigrationStats | undefined> {
  if (action.kind === "migrate-vm") return resumeMigration(context, action);
  if (action.kind === "reboot-vm") {
    throw new MusterError("interrupted", "the agent was restarted while it rebooted the VM", {
      hint: "the guest may or may not have rebooted: look, and ask again if it has not",
    });
  }
  await carryOutSimple(context, action);
  return undefined;
}

async function carryOutSimple(
  context: CommandContext,
  action: Exclude<CommandAction, { kind: "migrate-vm" }>,
): Promise<void> {
  const { control } = context.hypervisor;
  switch (action.kind) {
    case "define-vm":
      return defineVm(context, action);
    case "start-vm":
      return startVm(context, action);
    case "stop-vm":
      return stopVm(context, action);
    case "reboot-vm":
      return rebootVm(context, action);
    case "pause-vm":
      return control.power(action.vmId, "pause");
    case "resume-vm":
      return control.power(action.vmId, "resume");
    case "delete-vm":
      return deleteVm(context, action);
    case "prepare-arrival":
      return prepareArrival(context, action);
    case "finish-arrival":
      return finishArrival(context, action);
    case "clean-departure":
      return cleanDeparture(context, action);
    case "open-console":
      return openConsole(context, action);
    default:
      return assertNever(action);
  }
}
