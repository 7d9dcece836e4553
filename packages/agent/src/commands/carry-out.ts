/** Which function carries out which command. */
import {
  assertNever,
  MusterError,
  type CommandAction,
  type ImageAction,
  type ImageContents,
  type MigrationStats,
} from "@muster/model";
import type { CommandContext } from "./command-context.ts";
import { openConsole } from "./console.ts";
import { carryOutImageAction } from "./images.ts";
import { defineVm, deleteVm, rebootVm, startVm, stopVm } from "./lifecycle.ts";
import {
  cleanDeparture,
  finishArrival,
  migrateVm,
  prepareArrival,
  resumeMigration,
} from "./migration.ts";

import { placeSeed, removeSeed } from "./seed.ts";

/** What a command has to tell besides that it is done. */
export interface CommandOutcome {
  readonly migration?: MigrationStats;
  readonly findings?: readonly string[];
  readonly networkBlackoutMs?: number;
  readonly image?: ImageContents;
}

const migrated = (migration: MigrationStats | undefined): CommandOutcome =>
  migration === undefined ? {} : { migration };

export async function carryOut(
  context: CommandContext,
  action: CommandAction,
): Promise<CommandOutcome> {
  switch (action.kind) {
    case "migrate-vm":
      return migrated(await migrateVm(context, action));
    case "finish-arrival": {
      const networkBlackoutMs = await finishArrival(context, action);
      return networkBlackoutMs === undefined ? {} : { networkBlackoutMs };
    }
    case "run-fence": {
      const { power } = await context.fence.run(action);
      return power === undefined ? {} : { findings: [power] };
    }
    case "read-storage-heartbeat":
      return { findings: await context.storageHeartbeats.read(action.hostId) };
    case "fetch-image":
    case "import-image":
    case "offer-image":
    case "keep-image":
    case "drop-image":
      return carryOutImageAction(context, action);
    default:
      await carryOutSimple(context, action);
      return {};
  }
}

/** The same after a restart of the agent, when the command may have taken effect already. */
export async function resume(
  context: CommandContext,
  action: CommandAction,
): Promise<CommandOutcome> {
  if (action.kind === "migrate-vm") return migrated(await resumeMigration(context, action));
  if (action.kind === "reboot-vm") {
    throw new MusterError("interrupted", "the agent was restarted while it rebooted the VM", {
      hint: "the guest may or may not have rebooted: look, and ask again if it has not",
    });
  }
  return carryOut(context, action);
}

type SimpleAction = Exclude<
  CommandAction,
  ImageAction | { kind: "migrate-vm" | "finish-arrival" | "run-fence" | "read-storage-heartbeat" }
>;

async function carryOutSimple(context: CommandContext, action: SimpleAction): Promise<void> {
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
    case "clean-departure":
      return cleanDeparture(context, action);
    case "open-console":
      return openConsole(context, action);
    case "place-seed":
      return placeSeed(context, action);
    case "remove-seed":
      return removeSeed(context, action);
    case "confirm-policy":
      // Assignments and commands come in order: that this one arrived is the answer.
      return;
    default:
      return assertNever(action);
  }
}
