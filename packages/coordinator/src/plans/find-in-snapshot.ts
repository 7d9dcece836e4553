/** Finds what people name in a snapshot, which may be a saved one. Pure. */
import { invalid } from "@muster/model";
import {
  DEFAULT_TOPOLOGY_LEVELS,
  type GroupRule,
  type HostSnapshot,
  type Snapshot,
  type VmSnapshot,
} from "@muster/planner";

/** Throws `invalid` when the snapshot has no such host. */
export const findHost = (snapshot: Snapshot, nameOrId: string): HostSnapshot =>
  find(snapshot.hosts, nameOrId, "host");

/** Throws `invalid` when the snapshot has no such VM. */
export const findVm = (snapshot: Snapshot, nameOrId: string): VmSnapshot =>
  find(snapshot.vms, nameOrId, "VM");

/** Throws `invalid` when the snapshot has no such group rule. */
export const findRule = (snapshot: Snapshot, name: string): GroupRule => {
  const rules = (snapshot.rules ?? []).map((rule) => ({ ...rule, id: rule.name }));
  return find(rules, name, "rule");
};

/** Ids, each once, in the order they were named. */
export const hostIds = (snapshot: Snapshot, names: readonly string[]): readonly string[] => [
  ...new Set(names.map((name) => findHost(snapshot, name).id)),
];

/**
 * Ids of the hosts of a failure domain: "rack=r7", or a path from the outermost level on, "paris/row-2".
 * Throws `invalid` when there are none, or when the name stands for several domains.
 */
export function hostsOfDomain(snapshot: Snapshot, text: string): readonly string[] {
  const levels = snapshot.topologyLevels ?? DEFAULT_TOPOLOGY_LEVELS;
  const [level = "", name = ""] = text.split("=");
  const isPath = !text.includes("=");
  const depth = isPath ? text.split("/").length - 1 : levels.indexOf(level);
  if (depth < 0) {
    throw invalid(
      "question",
      `there is no level "${level}"`,
      `the levels are ${levels.join(", ")}`,
    );
  }
  const pathOf = ({ failureDomain = [] }: HostSnapshot): string =>
    failureDomain.slice(0, depth + 1).join("/");
  const hosts = snapshot.hosts.filter((host) =>
    isPath ? pathOf(host) === text : host.failureDomain?.[depth] === name,
  );
  const paths = [...new Set(hosts.map(pathOf))].toSorted();
  if (paths.length === 1) return hosts.map(({ id }) => id);
  const known = [...new Set(snapshot.hosts.map(pathOf))].filter((path) => path !== "").toSorted();
  const hint = `domains: ${(paths.length === 0 ? known : paths).slice(0, NAMES_SHOWN).join(", ")}`;
  const what = paths.length === 0 ? "no host is in" : "more than one domain is";
  throw invalid("question", `${what} "${text}"`, hint);
}

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
