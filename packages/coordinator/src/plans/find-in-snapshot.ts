/** Finds what people name in a snapshot, which may be a saved one. Pure. */
import { invalid } from "@muster/model";
import type { HostSnapshot, Snapshot, VmSnapshot } from "@muster/planner";

/** Throws `invalid` when the snapshot has no such host. */
export const findHost = (snapshot: Snapshot, nameOrId: string): HostSnapshot =>
  find(snapshot.hosts, nameOrId, "host");

/** Throws `invalid` when the snapshot has no such VM. */
export const findVm = (snapshot: Snapshot, nameOrId: string): VmSnapshot =>
  find(snapshot.vms, nameOrId, "VM");

/** Ids, each once, in the order they were named. */
export const hostIds = (snapshot: Snapshot, names: readonly string[]): readonly string[] => [
  ...new Set(names.map((name) => findHost(snapshot, name).id)),
];

function find<Entry extends { readonly id: string; readonly name: string }>(
  entries: readonly Entry[],
  nameOrId: string,
  kind: string,
): Entry {
  const entry = entries.find(({ id, name }) => id === nameOrId || name === nameOrId);
  if (entry !== undefined) return entry;
  const known = entries.map(({ name }) => name).toSorted();
  const shown = known.slice(0, NAMES_SHOWN).join(", ");
  const more = known.length > NAMES_SHOWN ? ` and ${String(known.length - NAMES_SHOWN)} more` : "";
  const hint = shown === "" ? "it has none" : `it has: ${shown}${more}`;
  throw invalid("question", `there is no ${kind} "${nameOrId}" in the snapshot`, hint);
}

/** More would hide the hint's first line. */
const NAMES_SHOWN = 12;
