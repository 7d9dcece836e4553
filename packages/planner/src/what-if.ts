import type { GroupRule, HostCapacity, Policy, Snapshot, VmShape } from "./snapshot.ts";

/** One thing that might be different. */
export type Change =
  | { readonly kind: "lose-hosts"; readonly hostIds: readonly string[] }
  | { readonly kind: "lose-domain"; readonly level: string; readonly path: readonly string[] }
  | { readonly kind: "cordon"; readonly hostIds: readonly string[] }
  | { readonly kind: "uncordon"; readonly hostIds: readonly string[] }
  /** Hosts like an existing one, empty. */
  | { readonly kind: "add-hosts"; readonly like: string; readonly count: number }
  | {
      readonly kind: "resize-host";
      readonly hostId: string;
      readonly capacity: Partial<HostCapacity>;
    }
  | { readonly kind: "resize-vm"; readonly vmId: string; readonly shape: Partial<VmShape> }
  | { readonly kind: "set-rule"; readonly rule: GroupRule }
  | { readonly kind: "remove-rule"; readonly name: string }
  | { readonly kind: "set-policy"; readonly policy: Policy };

/**
 * The snapshot as it would be. Any question can then be asked of it: a lost host is `planRecovery`, more
 * hosts are `capacity` or `planRebalance`.
 * @throws Error when a change speaks of a host, a VM or a rule that is not there.
 */
export function applyChanges(snapshot: Snapshot, changes: readonly Change[]): Snapshot {
  return changes.reduce(applyChange, snapshot);
}

function applyChange(snapshot: Snapshot, change: Change): Snapshot {
  switch (change.kind) {
    case "lose-hosts":
      return withHosts(snapshot, change.hostIds, { state: "lost" });
    case "lose-domain":
      return withHosts(snapshot, hostsOfDomain(snapshot, change), { state: "lost" });
    case "cordon":
      return withHosts(snapshot, change.hostIds, { cordoned: true });
    case "uncordon":
      return withHosts(snapshot, change.hostIds, { cordoned: false });
    case "add-hosts":
      return addHosts(snapshot, change);
    case "resize-host": {
      const host = found(snapshot.hosts, change.hostId, "host");
      const capacity = { ...host.capacity, ...change.capacity };
      return withHosts(snapshot, [host.id], { capacity });
    }
    case "resize-vm": {
      const resized = found(snapshot.vms, change.vmId, "vm");
      const vms = snapshot.vms.map((vm) => (vm === resized ? { ...vm, ...change.shape } : vm));
      return { ...snapshot, vms };
    }
    case "set-rule": {
      const others = (snapshot.rules ?? []).filter((rule) => rule.name !== change.rule.name);
      return { ...snapshot, rules: [...others, change.rule] };
    }
    case "remove-rule": {
      const rules = snapshot.rules ?? [];
      if (!rules.some((rule) => rule.name === change.name)) {
        throw new Error(`there is no rule ${change.name} in the snapshot`);
      }
      return { ...snapshot, rules: rules.filter((rule) => rule.name !== change.name) };
    }
    case "set-policy":
      return { ...snapshot, policy: { ...snapshot.policy, ...change.policy } };
  }
}

function withHosts(
  snapshot: Snapshot,
  hostIds: readonly string[],
  fields: Partial<Snapshot["hosts"][number]>,
): Snapshot {
  const ids = new Set(hostIds.map((id) => found(snapshot.hosts, id, "host").id));
  const hosts = snapshot.hosts.map((host) => (ids.has(host.id) ? { ...host, ...fields } : host));
  return { ...snapshot, hosts };
}

function hostsOfDomain(
  snapshot: Snapshot,
  domain: { readonly level: string; readonly path: readonly string[] },
): readonly string[] {
  const ids = snapshot.hosts
    .filter((host) => domain.path.every((name, depth) => host.failureDomain?.[depth] === name))
    .map((host) => host.id);
  if (ids.length > 0) return ids;
  throw new Error(`there is no ${domain.level} ${domain.path.join("/")} in the snapshot`);
}

function addHosts(
  snapshot: Snapshot,
  change: { readonly like: string; readonly count: number },
): Snapshot {
  const model = found(snapshot.hosts, change.like, "host");
  const { foreign: _foreign, measured: _measured, imagesCached: _imagesCached, ...empty } = model;
  const taken = new Set(snapshot.hosts.map((host) => host.id));
  const added = [];
  for (let number = 1; added.length < change.count; number++) {
    const id = `${model.id}-like-${number}`;
    if (taken.has(id)) continue;
    added.push({
      ...empty,
      id,
      name: `${model.name}-like-${number}`,
      cordoned: false,
      state: "online" as const,
    });
  }
  return { ...snapshot, hosts: [...snapshot.hosts, ...added] };
}

function found<Entry extends { readonly id: string }>(
  entries: readonly Entry[],
  id: string,
  kind: string,
): Entry {
  const entry = entries.find((candidate) => candidate.id === id);
  if (entry === undefined) throw new Error(`there is no ${kind} ${id} in the snapshot`);
  return entry;
}
