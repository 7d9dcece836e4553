/** What operations take of the budgets. Pure. */
import type { HostId, VmSpec } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";
import type { Need } from "./budgets.ts";

const nameOf = (view: LedgerView, hostId: HostId): string => view.hosts.get(hostId)?.name ?? hostId;

/** Work on a VM's volumes on one host. A storage that only this host sees is covered by the host's own budget. */
export function volumeNeeds(
  { view, observations }: { readonly view: LedgerView; readonly observations: Observations },
  hostId: HostId | undefined,
  spec: VmSpec | undefined,
): readonly Need[] {
  if (hostId === undefined) return [];
  const storages = observations.get(hostId)?.inventory?.storages ?? [];
  const shared = storages.filter(({ name, shared: isShared }) => {
    return isShared && spec?.disks.some((disk) => disk.storage === name) === true;
  });
  return [
    { kind: "host", name: nameOf(view, hostId) },
    ...shared.map(({ name }): Need => ({ kind: "storage", name })),
  ];
}

/** A move takes of both hosts and of the link between them, whichever way it goes. */
export function moveNeeds(view: LedgerView, from: HostId, to: HostId): readonly Need[] {
  const [one, other] = [nameOf(view, from), nameOf(view, to)];
  return [
    { kind: "host", name: one },
    { kind: "host", name: other },
    { kind: "link", name: [one, other].toSorted().join(" - ") },
  ];
}
