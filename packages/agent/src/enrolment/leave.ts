/** Makes this machine forget its cluster. VMs run on; the coordinator forgets the host only when told to. */
import { MusterError } from "@muster/model";
import { removeIdentity } from "./identity.ts";

/** Throws `wrong-state` when the machine has not joined. */
export async function leave(dataDirectory: string): Promise<void> {
  if (await removeIdentity(dataDirectory)) return;
  throw new MusterError("wrong-state", "this machine has not joined a cluster");
}
