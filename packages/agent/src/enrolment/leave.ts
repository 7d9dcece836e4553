/** Makes this machine forget its cluster. VMs run on; the coordinator forgets the host only when told to. */
import { rm } from "node:fs/promises";
import { MusterError } from "@muster/model";
import { assignmentsPath, journalPath, networkMemoryPath } from "../data-directory.ts";
import { removeIdentity } from "./identity.ts";

/** Throws `wrong-state` when the machine has not joined. */
export async function leave(dataDirectory: string): Promise<void> {
  const left = await removeIdentity(dataDirectory);
  // Another cluster counts its operations anew: old results must not answer its commands.
  for (const pathIn of [journalPath, assignmentsPath, networkMemoryPath]) {
    await rm(pathIn(dataDirectory), { recursive: true, force: true });
  }
  if (!left) throw new MusterError("wrong-state", "this machine has not joined a cluster");
}
