/** A context as the disk its consumer reads. */
import { assertNever } from "@muster/model";
import type { Context, ContextSubject, Seed } from "../context.ts";
import { renderConfigDrive, renderNoCloud } from "./cloud-init.ts";
import { renderStratuslab } from "./stratuslab.ts";

export function renderSeed(context: Context, subject: ContextSubject): Seed {
  switch (context.format) {
    case "nocloud":
      return renderNoCloud(context, subject);
    case "config-drive":
      return renderConfigDrive(context, subject);
    case "stratuslab":
      return renderStratuslab(context, subject);
    default:
      return assertNever(context.format);
  }
}
