/** Groups for people. PURE. */
import { renderSize } from "@muster/model";
import type { GroupMemberView, GroupView } from "../view/group.ts";
import type { Paint } from "./style.ts";
import { field, renderFields, renderTable } from "./table.ts";

const running = ({ members }: GroupView): number =>
  members.filter(({ state }) => state === "running").length;

const leftOf = ({ plan, removing }: GroupView): string => {
  const count = plan.length === 0 ? "" : `${String(plan.length)} changes`;
  return removing ? `removing${count === "" ? "" : `: ${count}`}` : count;
};

export const renderGroups = (groups: readonly GroupView[], paint: Paint): string =>
  renderTable<GroupView>(
    [
      { title: "NAME", cell: ({ name }) => name },
      { title: "SIZE", align: "right", cell: ({ size }) => String(size) },
      { title: "RUNNING", align: "right", cell: (group) => String(running(group)) },
      { title: "CPUS", align: "right", cell: ({ profile }) => String(profile.cpus) },
      { title: "MEMORY", align: "right", cell: ({ profile }) => renderSize(profile.memoryBytes) },
      { title: "VERSION", align: "right", cell: ({ version }) => String(version) },
      { title: "LEFT TO DO", cell: leftOf },
      { title: "OPERATION", cell: ({ operationId }) => operationId },
    ],
    groups,
    paint,
  );

export function renderGroup(group: GroupView, paint: Paint): string {
  const { profile } = group;
  const fields = renderFields(
    [
      field("name", group.name),
      field("size", String(group.size)),
      field("names", group.pattern),
      field(
        "profile",
        `${String(profile.cpus)} CPUs, ${renderSize(profile.memoryBytes)}, version ${String(group.version)}`,
      ),
      field("operation", group.operationId),
      ...group.plan.map((line) => field("left to do", line)),
    ],
    paint,
  );
  const members = renderTable<GroupMemberView>(
    [
      { title: "MEMBER", cell: ({ name }) => name },
      { title: "STATE", cell: ({ state }) => state },
      { title: "HOST", cell: ({ host }) => host },
      { title: "ADDRESSES", cell: ({ addresses }) => addresses.join(", ") },
      {
        title: "VERSION",
        align: "right",
        cell: ({ version }) => (version === 0 ? "" : String(version)),
      },
      { title: "TROUBLE", cell: ({ trouble }) => trouble },
    ],
    group.members,
    paint,
  );
  return `${fields}\n${members}`;
}
