/** What the VM of a member is made from. Pure. */
import type { GroupMemberValues, GroupRecord } from "@muster/model";
import type { VmSpecDraft } from "@muster/model/wire";

/** The profile, the values that are listed for it, and the MACs that it had before. */
export function draftOf(
  group: GroupRecord,
  { name, number }: { readonly name: string; readonly number: number },
): VmSpecDraft {
  const { extraNics, ...template } = group.profile;
  const values: GroupMemberValues = group.values[number - 1] ?? {};
  const kept = group.members.find((member) => member.name === name)?.macs ?? [];
  const nics = extraNics.map((nic, index) => {
    const mac = (index === 0 ? values.mac : undefined) ?? kept[index];
    const addresses = index === 0 ? values.addresses : undefined;
    return {
      ...nic,
      ...(mac === undefined ? {} : { mac }),
      ...(addresses === undefined ? {} : { addresses }),
    };
  });
  return { ...template, name, nics };
}
