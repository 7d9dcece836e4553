/**
 * The hard rules counted again from the outside, with nothing of the planner's own arithmetic: who is
 * where, host by host, in plain loops over the snapshot.
 */
import type { HostSnapshot, Snapshot, VmShape } from "../snapshot.ts";

export interface Resident extends VmShape {
  readonly id: string;
  /** Host whose storage has its volumes already; its disks take new space elsewhere only. */
  readonly volumesHostId?: string | undefined;
}

/** What is wrong with this arrangement; a VM on its way is listed under both hosts. */
export function brokenLimits(
  snapshot: Snapshot,
  residents: ReadonlyMap<string, readonly Resident[]>,
): readonly string[] {
  return [
    ...snapshot.hosts.flatMap((host) => brokenOnHost(host, residents.get(host.id) ?? [])),
    ...brokenStorages(snapshot, residents),
    ...brokenRules(snapshot, residents),
  ];
}

function brokenOnHost(host: HostSnapshot, here: readonly Resident[]): readonly string[] {
  const { capacity } = host;
  const broken: string[] = [];
  const cpus = here.reduce((sum, vm) => sum + vm.cpus, host.foreign?.cpus ?? 0);
  const limit = (capacity.cpus - (capacity.cpusReserved ?? 0)) * (capacity.cpuOvercommit ?? 4);
  if (cpus > limit) broken.push(`${host.id} promises ${cpus} of ${limit} cpus`);
  const bytes = here.reduce((sum, vm) => sum + vm.memoryBytes, host.foreign?.memoryBytes ?? 0n);
  const room = capacity.memoryBytes - (capacity.memoryReservedBytes ?? 0n);
  if (bytes > room) broken.push(`${host.id} promises ${bytes} of ${room} bytes`);
  if (here.length > (capacity.vmsMax ?? Infinity)) broken.push(`${host.id} has too many VMs`);
  const apart = here.flatMap((vm) => vm.antiAffinity ?? []);
  if (new Set(apart).size < apart.length) broken.push(`${host.id} breaks anti-affinity`);
  for (const vm of here) {
    const missing = (vm.networks ?? []).filter((name) => host.networks?.includes(name) !== true);
    if (missing.length > 0) broken.push(`${host.id} lacks ${missing.join()} for ${vm.id}`);
    if ((vm.pinnedTo ?? []).length > 0 && vm.pinnedTo?.includes(host.id) !== true) {
      broken.push(`${vm.id} is not pinned to ${host.id}`);
    }
  }
  return broken;
}

function brokenStorages(
  snapshot: Snapshot,
  residents: ReadonlyMap<string, readonly Resident[]>,
): readonly string[] {
  const free = new Map<string, bigint>();
  const needed = new Map<string, bigint>();
  const keyOf = (host: HostSnapshot, name: string) => {
    const storage = host.storages?.find((entry) => entry.name === name);
    if (storage === undefined) return undefined;
    return storage.shared ? `shared ${name}` : `${name} of ${host.id}`;
  };
  const broken: string[] = [];
  for (const host of snapshot.hosts) {
    for (const { name, freeBytes } of host.storages ?? []) {
      const key = keyOf(host, name) ?? "";
      const known = free.get(key);
      free.set(key, known === undefined || freeBytes < known ? freeBytes : known);
    }
  }
  for (const host of snapshot.hosts) {
    for (const vm of residents.get(host.id) ?? []) {
      const from = snapshot.hosts.find(({ id }) => id === vm.volumesHostId);
      for (const disk of vm.disks ?? []) {
        const key = keyOf(host, disk.storage);
        if (key === undefined) broken.push(`${host.id} does not reach ${disk.storage}`);
        else if (from === undefined || keyOf(from, disk.storage) !== key) {
          needed.set(key, (needed.get(key) ?? 0n) + disk.sizeBytes);
        }
      }
    }
  }
  for (const [key, bytes] of needed) {
    if (bytes > (free.get(key) ?? 0n)) broken.push(`${key} is full`);
  }
  return broken;
}

function brokenRules(
  snapshot: Snapshot,
  residents: ReadonlyMap<string, readonly Resident[]>,
): readonly string[] {
  const levels = [...(snapshot.topologyLevels ?? ["site", "row", "rack"]), "host"];
  const broken: string[] = [];
  for (const rule of snapshot.rules ?? []) {
    if (rule.strength !== "required") continue;
    const depth = levels.indexOf(rule.level) + 1;
    const members = new Map<string, Set<string>>();
    const all = new Set<string>();
    for (const host of snapshot.hosts) {
      const domain =
        rule.level === "host" ? host.id : (host.failureDomain ?? []).slice(0, depth).join("/");
      for (const vm of residents.get(host.id) ?? []) {
        if (vm.groups?.includes(rule.group) !== true) continue;
        members.set(domain, (members.get(domain) ?? new Set<string>()).add(vm.id));
        all.add(vm.id);
      }
    }
    for (const [domain, ids] of members) {
      if (rule.mode === "spread" && ids.size > (rule.max ?? 1)) {
        broken.push(`rule ${rule.name} has ${ids.size} in ${domain}`);
      }
    }
    const whole = [...members.values()].some((ids) => ids.size === all.size);
    if (rule.mode === "pack" && all.size > 1 && !whole) broken.push(`rule ${rule.name} is torn`);
  }
  return broken;
}

interface Move {
  readonly wave: number;
  readonly vmId: string;
  readonly fromHostId: string;
  readonly toHostId: string;
}

/** Plays a plan wave by wave and lists what is wrong at any moment; limits broken from the start do not count. */
export function brokenAlongTheWay(snapshot: Snapshot, moves: readonly Move[]): readonly string[] {
  const hostOf = new Map(snapshot.vms.map((vm) => [vm.id, vm.hostId]));
  const volumesOf = new Map(hostOf);
  const atRest = () => residentsOf(snapshot, hostOf, volumesOf, []);
  const before = new Set(brokenLimits(snapshot, atRest()));
  const found: string[] = [];
  for (let wave = 1; wave <= (moves.at(-1)?.wave ?? 0); wave++) {
    const here = moves.filter((move) => move.wave === wave);
    for (const move of here) {
      if (hostOf.get(move.vmId) !== move.fromHostId)
        found.push(`${move.vmId} is not where it leaves`);
      const target = snapshot.hosts.find(({ id }) => id === move.toHostId);
      if (target?.state !== "online" || target.cordoned) found.push(`${move.toHostId} is closed`);
    }
    const during = brokenLimits(snapshot, residentsOf(snapshot, hostOf, volumesOf, here));
    found.push(...during.map((what) => `wave ${wave}: ${what}`));
    for (const move of here) hostOf.set(move.vmId, move.toHostId);
  }
  return found.filter((what) => !before.has(what.replace(/^wave \d+: /, "")));
}

/** What is wrong with the snapshot as it is, nothing on its way. */
export function brokenAt(snapshot: Snapshot): readonly string[] {
  const hostOf = new Map(snapshot.vms.map((vm) => [vm.id, vm.hostId]));
  return brokenLimits(snapshot, residentsOf(snapshot, hostOf, hostOf, []));
}

function residentsOf(
  snapshot: Snapshot,
  hostOf: ReadonlyMap<string, string | undefined>,
  volumesOf: ReadonlyMap<string, string | undefined>,
  moving: readonly Move[],
): ReadonlyMap<string, readonly Resident[]> {
  const residents = new Map<string, Resident[]>();
  const add = (hostId: string, vm: Resident) =>
    residents.set(hostId, [...(residents.get(hostId) ?? []), vm]);
  for (const vm of snapshot.vms) {
    const resident = { ...vm, volumesHostId: volumesOf.get(vm.id) };
    const hostId = hostOf.get(vm.id);
    if (hostId !== undefined) add(hostId, resident);
    for (const move of moving) if (move.vmId === vm.id) add(move.toHostId, resident);
  }
  for (const claim of snapshot.claims) {
    if (hostOf.get(claim.vmId) !== claim.hostId) add(claim.hostId, { ...claim, id: claim.vmId });
  }
  return residents;
}
