/** A group as somebody wants it, over what it was. Pure. */
import {
  GROUP_SIZE_MAX,
  groupMemberName,
  invalid,
  MusterError,
  parseName,
  sameData,
  type GroupMemberValues,
  type GroupRecord,
  type MemberTemplate,
} from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import { findGroup } from "./find-group.ts";
import { planGroup, renderGroupStep } from "./plan-group.ts";

export interface GroupChange {
  readonly name: string;
  /** True: it must not be there yet; false: it must. */
  readonly create: boolean;
  /** Absent, and so below: as it was. */
  readonly profile?: MemberTemplate;
  readonly size?: number;
  readonly pattern?: string;
  readonly values?: readonly GroupMemberValues[];
}

export interface GroupAuthor {
  readonly createdBy: string;
  readonly createdAt: string;
}

/** @throws MusterError when it cannot be. */
export function changeGroup(
  view: LedgerView,
  change: GroupChange,
  author: GroupAuthor,
): GroupRecord {
  const group = change.create ? newGroup(view, change, author) : changedGroup(view, change);
  checkGroup(view, group);
  return group;
}

function newGroup(view: LedgerView, change: GroupChange, author: GroupAuthor): GroupRecord {
  const { name, profile, size = 1, pattern = `${change.name}-{n}`, values = [] } = change;
  if (view.groups.has(name)) {
    throw new MusterError("already-exists", `there is already a group named ${name}`, {
      hint: `to change it: muster group set ${name}`,
    });
  }
  if (profile === undefined) throw invalid("profile", "is required");
  const state = { version: 1, members: [], removing: false };
  return { name, pattern, size, profile, values, ...state, ...author };
}

function changedGroup(view: LedgerView, change: GroupChange): GroupRecord {
  const before = findGroup(view, change.name);
  refuseBusyGroup(view, before);
  const { profile = before.profile, size = before.size, values = before.values } = change;
  const { pattern = before.pattern } = change;
  const isOther = !sameData(profile, before.profile);
  const version = isOther ? before.version + 1 : before.version;
  return { ...before, profile, size, values, pattern, version };
}

export function refuseBusyGroup(view: LedgerView, { name, operationId }: GroupRecord): void {
  if (operationId === undefined) return;
  const type = view.operations.get(operationId)?.type ?? "unknown";
  throw new MusterError("busy", `group ${name} is busy with ${operationId} (${type})`, {
    hint: `wait for it: muster op watch ${operationId}, or stop it: muster op cancel ${operationId}`,
  });
}

function checkGroup(view: LedgerView, group: GroupRecord): void {
  const { name, pattern, size, members } = group;
  if (group.removing) {
    throw new MusterError("wrong-state", `group ${name} is being removed`, {
      hint: `let that go on: muster group rm ${name}`,
    });
  }
  if (size > GROUP_SIZE_MAX) throw invalid("size", `at most ${String(GROUP_SIZE_MAX)} are allowed`);
  if (pattern.split("{n}").length !== 2) {
    throw invalid("pattern", `"${pattern}" must have {n} once`, `like "${name}-{n}"`);
  }
  const own = new Set(members.map(({ vmId }) => vmId));
  const names = Array.from({ length: size }, (_, index) => groupMemberName(group, index + 1));
  for (const [index, member] of names.entries()) {
    parseName(member, `name of member ${String(index + 1)}`);
    const vm = view.vmByName(member);
    if (vm !== undefined && !own.has(vm.id)) {
      throw new MusterError("already-exists", `there is already a VM named ${member}`, {
        hint: `it is not of group ${name}; choose another pattern, or remove it`,
      });
    }
  }
  const twice = names.find((member, index) => names.indexOf(member) !== index);
  if (twice !== undefined) throw invalid("values", `two members would be named ${twice}`);
}

/** Making members anew loses their disks, so it has to be asked for. */
export function refuseUnasked(
  view: LedgerView,
  group: GroupRecord,
  { rebuild }: { readonly rebuild: boolean },
): readonly string[] {
  const plan = planGroup(view, group);
  const rebuilds = plan.filter(({ kind }) => kind === "rebuild");
  if (rebuilds.length > 0 && !rebuild) {
    throw new MusterError(
      "wrong-state",
      `${String(rebuilds.length)} members of group ${group.name} would be made anew, with empty disks`,
      {
        reasons: plan.map(renderGroupStep),
        hint: "if that is meant: --rebuild; to see it: --rebuild --dry-run",
      },
    );
  }
  return plan.map(renderGroupStep);
}
