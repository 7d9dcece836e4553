/** What people wrote about a host by its name, and would mean nothing once it is gone. Pure. */
import type { HostId, VmId } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";

/** A sentence for each VM whose rules name the host, sorted; VMs that go with it do not count. */
export function rulesNaming(
  view: LedgerView,
  hostId: HostId,
  going: ReadonlySet<VmId>,
): readonly string[] {
  const nameOf = (id: HostId): string => view.hosts.get(id)?.name ?? id;
  return [...view.vms.values()]
    .filter(({ id }) => !going.has(id))
    .flatMap(({ spec, rules = {} }) => {
      const { pinnedTo = [], home } = rules;
      const others = pinnedTo.filter((id) => id !== hostId).map(nameOf);
      const also = others.length === 0 ? "" : ` and ${others.toSorted().join(", ")}`;
      return [
        ...(pinnedTo.includes(hostId) ? [`VM ${spec.name} is pinned to it${also}`] : []),
        ...(home === hostId ? [`VM ${spec.name} has its home there`] : []),
      ];
    })
    .toSorted();
}
