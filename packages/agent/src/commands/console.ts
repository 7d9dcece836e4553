/** Joins a VM's console with a Bulk stream to the coordinator. */
import type { CommandAction } from "@muster/model";
import type { CommandContext } from "./command-context.ts";

type OpenConsole = Extract<CommandAction, { kind: "open-console" }>;

/** The command ends when the console is open; its bytes flow on until either side closes. */
export async function openConsole(context: CommandContext, action: OpenConsole): Promise<void> {
  const { hypervisor, bulk } = context;
  const console = await hypervisor.console.open(action.vmId, { force: action.force });
  const link = await bulk.openBulk(action.ticket);
  const fromGuest = async (): Promise<void> => {
    for await (const data of console.output) link.send({ data });
    link.close();
  };
  const toGuest = async (): Promise<void> => {
    for await (const { data } of link.incoming) await console.write(data);
    await console.close();
  };
  const flowing = Promise.all([fromGuest(), toGuest()])
    .catch((error: unknown) => {
      link.close();
      throw error;
    })
    .finally(() => console.close());
  context.background("console", flowing);
}
