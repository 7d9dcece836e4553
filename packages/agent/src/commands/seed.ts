/** Writing and removing the disk that tells a guest about itself. */
import { renderIso } from "@muster/context";
import type { CommandAction } from "@muster/model";
import type { CommandContext } from "./command-context.ts";

type Action<Kind extends CommandAction["kind"]> = Extract<CommandAction, { kind: Kind }>;

export async function placeSeed(
  context: CommandContext,
  { vmId, spec }: Action<"place-seed">,
): Promise<void> {
  const seed = await context.seeds.fetch(vmId, context.signal);
  await context.hypervisor.seeds.place(vmId, spec, renderIso(seed));
}

export async function removeSeed(
  context: CommandContext,
  { vmId, spec }: Action<"remove-seed">,
): Promise<void> {
  await context.hypervisor.seeds.remove(vmId, spec);
}
