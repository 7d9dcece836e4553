/** Both sides of a live migration. */
import {
  isActive,
  MusterError,
  type CommandAction,
  type MigrateAction,
  type MigrationStats,
  type VmObservation,
} from "@muster/model";
import type { MigrationWatcher } from "../hypervisor/hypervisor.ts";
import type { CommandContext } from "./command-context.ts";
import { plugAll, refuseActive } from "./lifecycle.ts";

type Action<Kind extends CommandAction["kind"]> = Extract<CommandAction, { kind: Kind }>;

export async function prepareArrival(
  context: CommandContext,
  action: Action<"prepare-arrival">,
): Promise<void> {
  await context.hypervisor.migration.checkArrival(action.vmId, action.spec);
  await plugAll(context, action.vmId, action.spec);
  context.arrivals?.expect(action.vmId);
}

const watcherOf = (context: CommandContext): MigrationWatcher => ({
  signal: context.signal,
  onProgress: (phase, migration) => {
    context.onProgress({ phase, migration });
  },
});

export async function migrateVm(
  context: CommandContext,
  action: MigrateAction,
): Promise<MigrationStats> {
  const stats = await context.hypervisor.migration.migrate(action, watcherOf(context));
  await context.networks.unplug(action.vmId);
  return stats;
}

/**
 * After the agent was restarted in the middle: follows the job if it still runs. When it does not, the domain tells
 * whether it left: gone, or stopped because it migrated. Anything else, a power cut too, leaves the outcome open, and
 * nobody can say from here alone what became of the job.
 */
export async function resumeMigration(
  context: CommandContext,
  action: MigrateAction,
): Promise<MigrationStats | undefined> {
  const stats = await context.hypervisor.migration.reattach(action.vmId, watcherOf(context));
  if (stats !== undefined) {
    await context.networks.unplug(action.vmId);
    return stats;
  }
  const seen = await context.hypervisor.watch.observe(action.vmId);
  if (seen === undefined || hasLeft(seen)) {
    await context.networks.unplug(action.vmId);
    return undefined;
  }
  const message = `the migration of VM ${seen.name} ended while the agent was restarting; here it is ${seen.state}`;
  throw new MusterError("interrupted", message, { hint: "look where it is, and migrate it again" });
}

const hasLeft = (seen: VmObservation): boolean =>
  !isActive(seen.state) && seen.reason === "migrated";

/** Milliseconds in which the VM could not be reached; undefined: nobody measured. */
export async function finishArrival(
  context: CommandContext,
  action: Action<"finish-arrival">,
): Promise<number | undefined> {
  await context.hypervisor.control.mark(action.vmId, action.generation);
  return context.arrivals?.finish(action.vmId);
}

/** Removes what is left of a VM that lives elsewhere now. Never a running one, never a newer one. */
export async function cleanDeparture(
  context: CommandContext,
  action: Action<"clean-departure">,
): Promise<void> {
  const seen = await context.hypervisor.watch.observe(action.vmId);
  refuseActive(seen);
  if (seen !== undefined && seen.generation > action.generation) {
    const generations = `${String(seen.generation)}, not ${String(action.generation)} or older`;
    throw new MusterError(
      "wrong-state",
      `VM ${seen.name} on this host has generation ${generations}`,
    );
  }
  context.arrivals?.forget(action.vmId);
  if (seen !== undefined) await context.hypervisor.control.undefine(action.vmId);
  await context.networks.unplug(action.vmId);
  // It lives elsewhere: its disks need no image here any more.
  await context.images.release(action.vmId);
}
