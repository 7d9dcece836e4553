/** Changes of what people want of where VMs run: rules of VMs, traits of hosts. Pure. */
import {
  invalid,
  parseName,
  type HostId,
  type HostTraits,
  type Labels,
  type VmRules,
} from "@muster/model";

/** What is undefined stays; an empty text or list takes away. */
export interface RulesChange {
  readonly addGroups: readonly string[];
  readonly removeGroups: readonly string[];
  readonly hostLabels: readonly LabelChange[];
  readonly pinnedTo?: readonly HostId[];
  readonly environment?: string;
  readonly pool?: string;
  readonly tenant?: string;
  readonly priority?: number;
  readonly home?: HostId | "";
}

export interface TraitsChange {
  readonly labels: readonly LabelChange[];
  readonly failureDomain?: readonly string[];
  readonly environment?: string;
  readonly pool?: string;
  readonly tenants?: readonly string[];
  readonly cpusReserved?: number;
  /** 0: as configured. */
  readonly memoryReservedBytes?: bigint;
  /** 0: as configured. */
  readonly cpuOvercommit?: number;
  /** 0: none. */
  readonly memoryOvercommit?: number;
}

export interface LabelChange {
  readonly name: string;
  /** Empty: the label goes. */
  readonly value: string;
}

/** Far more than people keep in mind; a list from a script gone wild is longer. */
const GROUPS_MAX = 64;
const LABELS_MAX = 64;

export function changeRules(before: VmRules | undefined, change: RulesChange): VmRules {
  const removed = new Set(change.removeGroups);
  const groups = [...new Set([...(before?.groups ?? []), ...change.addGroups])].filter(
    (group) => !removed.has(group),
  );
  if (groups.length > GROUPS_MAX) {
    throw invalid("groups", `${String(groups.length)}, at most ${String(GROUPS_MAX)} are allowed`);
  }
  const hostLabels = changeLabels(before?.hostLabels, change.hostLabels, "host_labels");
  const text = (name: "environment" | "pool" | "tenant") => kept(change[name], before?.[name]);
  const home = kept(change.home, before?.home);
  const pinnedTo = change.pinnedTo ?? before?.pinnedTo ?? [];
  const priority = change.priority ?? before?.priority ?? 0;
  return {
    ...(groups.length === 0 ? {} : { groups: groups.toSorted() }),
    ...(hostLabels === undefined ? {} : { hostLabels }),
    ...(pinnedTo.length === 0 ? {} : { pinnedTo }),
    ...named("environment", text("environment")),
    ...named("pool", text("pool")),
    ...named("tenant", text("tenant")),
    ...(priority === 0 ? {} : { priority }),
    ...(home === undefined ? {} : { home }),
  };
}

export function changeTraits(before: HostTraits | undefined, change: TraitsChange): HostTraits {
  const labels = changeLabels(before?.labels, change.labels, "labels");
  const failureDomain = change.failureDomain ?? before?.failureDomain ?? [];
  const tenants = change.tenants ?? before?.tenants ?? [];
  const cpusReserved = change.cpusReserved ?? before?.cpusReserved ?? 0;
  const reserved = change.memoryReservedBytes ?? before?.memoryReservedBytes ?? 0n;
  const cpuOvercommit = change.cpuOvercommit ?? before?.cpuOvercommit ?? 0;
  const memoryOvercommit = change.memoryOvercommit ?? before?.memoryOvercommit ?? 0;
  return {
    ...(labels === undefined ? {} : { labels }),
    ...(failureDomain.length === 0 ? {} : { failureDomain }),
    ...named("environment", kept(change.environment, before?.environment)),
    ...named("pool", kept(change.pool, before?.pool)),
    ...(tenants.length === 0 ? {} : { tenants }),
    ...(cpusReserved === 0 ? {} : { cpusReserved }),
    ...(reserved === 0n ? {} : { memoryReservedBytes: reserved }),
    ...(cpuOvercommit === 0 ? {} : { cpuOvercommit }),
    ...(memoryOvercommit === 0 ? {} : { memoryOvercommit }),
  };
}

/** An empty text takes away, nothing said keeps. */
function kept<Text extends string>(change: Text | "" | undefined, before: Text | undefined) {
  if (change === undefined) return before;
  return change === "" ? undefined : change;
}

const named = <Name extends string>(name: Name, value: string | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { readonly [K in Name]?: string };

function changeLabels(
  before: Labels | undefined,
  changes: readonly LabelChange[],
  field: string,
): Labels | undefined {
  const labels = new Map(Object.entries(before ?? {}));
  changes.forEach(({ name, value }, index) => {
    const key = parseName(name, `${field}[${String(index)}].name`);
    if (value === "") labels.delete(key);
    else labels.set(key, value);
  });
  if (labels.size > LABELS_MAX) {
    throw invalid(field, `${String(labels.size)}, at most ${String(LABELS_MAX)} are allowed`);
  }
  return labels.size === 0 ? undefined : Object.fromEntries([...labels].toSorted());
}
