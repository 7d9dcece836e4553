/**
 * What is still to be done until a group is what it should be. Pure: read from what is decided, so that it goes on
 * after a restart, and so that people can see it first.
 */
import { groupMemberName, type GroupMember, type GroupRecord, type VmRecord } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";

export type GroupStep =
  | { readonly kind: "create"; readonly name: string; readonly number: number }
  /** Its VM goes; the next plan creates it anew, with the addresses and MACs it had. */
  | { readonly kind: "rebuild"; readonly name: string; readonly vm: VmRecord }
  | { readonly kind: "remove"; readonly name: string; readonly vm: VmRecord };

const byNumber = (one: string, other: string): number =>
  one.localeCompare(other, "en", { numeric: true });

/** Names of the members it should have, in order. */
export const wantedNames = (group: GroupRecord): readonly string[] =>
  group.removing
    ? []
    : Array.from({ length: group.size }, (_, index) => groupMemberName(group, index + 1));

/** Missing ones first, then one after the other those of an older profile, then those that are too many. */
export function planGroup(view: Pick<LedgerView, "vms">, group: GroupRecord): readonly GroupStep[] {
  const there = new Map<string, { readonly member: GroupMember; readonly vm: VmRecord }>();
  for (const member of group.members) {
    const vm = view.vms.get(member.vmId);
    if (vm !== undefined) there.set(member.name, { member, vm });
  }
  const names = wantedNames(group);
  const wanted = new Set(names);
  const creates = names.flatMap((name, index): GroupStep[] =>
    there.has(name) ? [] : [{ kind: "create", name, number: index + 1 }],
  );
  const rebuilds = names.flatMap((name): GroupStep[] => {
    const found = there.get(name);
    const isOld = found !== undefined && found.member.version !== group.version;
    return isOld ? [{ kind: "rebuild", name, vm: found.vm }] : [];
  });
  const removes = [...there.values()]
    .filter(({ member }) => !wanted.has(member.name))
    .map(({ member, vm }): GroupStep => ({ kind: "remove", name: member.name, vm }))
    .toSorted((one, other) => byNumber(other.name, one.name));
  return [...creates, ...rebuilds, ...removes];
}

export const renderGroupStep = ({ kind, name }: GroupStep): string => {
  switch (kind) {
    case "create":
      return `create ${name}`;
    case "rebuild":
      return `make ${name} anew: its disks begin empty, its addresses stay`;
    case "remove":
      return `remove ${name} with its disks`;
  }
};
