/** What the coordinator has hosts do with images. */
import { assertNever, type ImageAction } from "@muster/model";
import type { CommandOutcome } from "./carry-out.ts";
import type { CommandContext } from "./command-context.ts";

export async function carryOutImageAction(
  context: CommandContext,
  action: ImageAction,
): Promise<CommandOutcome> {
  const { images, signal } = context;
  const onProgress = (phase: string): void => {
    context.onProgress({ phase });
  };
  switch (action.kind) {
    case "fetch-image":
      await images.fetch(action, { signal, onProgress });
      return {};
    case "import-image":
      return { image: await images.import(action, { signal, onProgress }) };
    case "offer-image":
      images.offer(action.digest, action.ticket, action.forMs);
      return {};
    case "keep-image":
      await images.keep(action.digest, action.keep);
      return {};
    case "drop-image":
      await images.drop(action.digest);
      return {};
    default:
      return assertNever(action);
  }
}
