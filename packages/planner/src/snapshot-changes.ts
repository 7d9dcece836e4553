/** What is different between two snapshots of one cluster, for accounts that are kept open. */
import { isSame } from "./host-use.ts";
import type { ClaimSnapshot, HostSnapshot, Snapshot, VmSnapshot } from "./snapshot.ts";

export interface SnapshotChanges {
  /** As they are now; the set of hosts is the same. */
  readonly hosts: readonly HostSnapshot[];
  /** VMs of which anything is different, or a claim is. */
  readonly vmIds: ReadonlySet<string>;
  /** Of those, the ones there are now. */
  readonly vms: ReadonlyMap<string, VmSnapshot>;
  /** All that those have now. */
  readonly claims: readonly ClaimSnapshot[];
}

/** Parts that are the same value are taken to be the same. Undefined when there are other hosts, rules or levels. */
export function changesBetween(before: Snapshot, after: Snapshot): SnapshotChanges | undefined {
  if (
    !isSame(before.rules, after.rules) ||
    !isSame(before.policy, after.policy) ||
    !isSame(before.topologyLevels, after.topologyLevels)
  )
    return undefined;
  const hosts = differing(before.hosts, after.hosts, ({ id }) => id);
  const isOther = [...hosts.values()].some(({ was, is }) => was === undefined || is === undefined);
  if (isOther) return undefined;
  const vms = differing(before.vms, after.vms, ({ id }) => id);
  const claims = differing(before.claims, after.claims, (claim) => `${claim.vmId} ${claim.hostId}`);
  const ids = new Set(vms.keys());
  for (const { was, is } of claims.values()) {
    if (was !== undefined) ids.add(was.vmId);
    if (is !== undefined) ids.add(is.vmId);
  }
  return {
    hosts: [...hosts.values()].flatMap(({ is }) => (is === undefined ? [] : [is])),
    vmIds: ids,
    vms: new Map([...vms].flatMap(([id, { is }]) => (is === undefined ? [] : [[id, is]]))),
    claims: after.claims.filter(({ vmId }) => ids.has(vmId)),
  };
}

interface Difference<Part> {
  readonly was: Part | undefined;
  readonly is: Part | undefined;
}

/** By key; lists that changed little have most parts in the same places. */
function differing<Part>(
  before: readonly Part[],
  after: readonly Part[],
  keyOf: (part: Part) => string,
): ReadonlyMap<string, Difference<Part>> {
  const found = new Map<string, Difference<Part>>();
  for (let i = 0; i < before.length || i < after.length; i++) {
    const [was, is] = [before[i], after[i]];
    if (was === is) continue;
    if (was !== undefined) {
      const key = keyOf(was);
      found.set(key, { was, is: found.get(key)?.is });
    }
    if (is !== undefined) {
      const key = keyOf(is);
      found.set(key, { was: found.get(key)?.was, is });
    }
  }
  for (const [key, { was, is }] of found) if (was === is) found.delete(key);
  return found;
}
