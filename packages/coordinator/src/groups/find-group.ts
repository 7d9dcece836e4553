/** Groups by name, and by their members. Pure. */
import { MusterError, type GroupRecord, type VmId } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";

export function findGroup(view: LedgerView, name: string): GroupRecord {
  const group = view.groups.get(name);
  if (group !== undefined) return group;
  throw new MusterError("not-found", `there is no group "${name}"`, {
    hint: "see: muster group ls",
  });
}

/** The group that a VM is a member of; undefined: none. */
export const groupOf = (view: LedgerView, vmId: VmId): GroupRecord | undefined =>
  [...view.groups.values()].find(({ members }) => members.some((member) => member.vmId === vmId));
