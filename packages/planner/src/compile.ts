import { trait } from "./host-traits.ts";
import type { PlaceRequest, VmShape } from "./snapshot.ts";
import { toMiB } from "./units.ts";
import type { ClusterUsage } from "./usage.ts";
import type { DiskLoad, Facts, Load, Want } from "./want.ts";

const NO_DISKS: readonly DiskLoad[] = [];

/** Who a shape belongs to, for accounts and explanations. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

export function compileLoad(usage: ClusterUsage, vm: Named, shape: VmShape): Load {
  const memoryMiB = toMiB(shape.memoryBytes);
  const pageKiB = shape.hugepageBytes === undefined ? 0 : toMiB(shape.hugepageBytes) * 1024;
  const inHugepages = pageKiB > 0;
  return {
    vmId: vm.id,
    vmName: vm.name,
    shape,
    cpus: shape.cpus,
    memoryMiB: inHugepages ? 0 : memoryMiB,
    pageSize: inHugepages ? usage.pageSizesKiB.indexOf(pageKiB) : -1,
    hugeMiB: inHugepages ? memoryMiB : 0,
    disks: disksByStorage(usage, shape),
    rules: usage.rules.rulesOf(shape),
    numaCells: shape.numaCells ?? 0,
  };
}

/** @param volumesHost host index where the VM's volumes are now, or -1. */
export function compileWant(usage: ClusterUsage, request: PlaceRequest, volumesHost: number): Want {
  const shape = request.vm;
  const load = compileLoad(usage, request.vm, shape);
  const fromHost = hostIndex(usage, request.fromHostId);
  let facts: Facts | undefined;
  return {
    load,
    shape,
    request,
    facts: () => (facts ??= compileFacts(usage, { shape, load, fromHost })),
    requiredRules: load.rules.filter((rule) => strengthOf(usage, rule) === "required"),
    preferredRules: load.rules.filter((rule) => strengthOf(usage, rule) === "preferred"),
    excluded: excludedHosts(usage, request),
    fromHost,
    volumesHost,
    homeHost: hostIndex(usage, request.vm.homeHostId),
  };
}

function compileFacts(
  usage: ClusterUsage,
  of: { readonly shape: VmShape; readonly load: Load; readonly fromHost: number },
): Facts {
  const { shape, load } = of;
  const { traits } = usage;
  const cpuFeatures = featuresNeeded(usage, shape, of.fromHost);
  const cpuModel = shape.cpuModel === undefined ? [] : [trait.cpuModel(shape.cpuModel)];
  const optional = (name: string | undefined, spell: (name: string) => string) =>
    traits.mask(name === undefined ? [] : [spell(name)]);
  return {
    networks: traits.mask((shape.networks ?? []).map(trait.network)),
    storages: traits.mask(load.disks.map((disk) => trait.storage(disk.storage))),
    labels: traits.mask(
      Object.entries(shape.hostLabels ?? {}).map(([key, value]) => trait.label(key, value)),
    ),
    machineType: optional(shape.machineType, trait.machineType),
    cpu: traits.mask([...cpuModel, ...cpuFeatures.map(trait.cpuFeature)]),
    cpuFeatures,
    pool: optional(shape.pool, trait.pool),
    tenant: traits.mask([trait.tenant(shape.tenant ?? "")]),
    environment: optional(shape.environment, trait.environment),
    allowedHosts: allowedHosts(usage, shape.pinnedTo ?? []),
  };
}

function hostIndex(usage: ClusterUsage, hostId: string | undefined): number {
  return hostId === undefined ? -1 : (usage.hostIndexById.get(hostId) ?? -1);
}

function strengthOf(usage: ClusterUsage, rule: number) {
  return usage.rules.rules[rule]?.rule.strength;
}

/** The disks of a VM, summed by storage. */
export function disksByStorage(usage: ClusterUsage, shape: VmShape): readonly DiskLoad[] {
  if (shape.disks === undefined || shape.disks.length === 0) return NO_DISKS;
  const sizes = new Map<string, number>();
  for (const disk of shape.disks) {
    sizes.set(disk.storage, (sizes.get(disk.storage) ?? 0) + toMiB(disk.sizeBytes));
  }
  return [...sizes].map(([storage, sizeMiB]) => ({
    storage,
    sizeMiB,
    slots: usage.storages.slotsOf(storage),
  }));
}

/** A guest that was shown its host's processor keeps seeing it after a live move. */
function featuresNeeded(usage: ClusterUsage, shape: VmShape, fromHost: number): readonly string[] {
  const asked = shape.cpuFeatures ?? [];
  const seen = shape.cpuMode === "host" ? (usage.hosts[fromHost]?.cpuFeatures ?? []) : [];
  return [...new Set([...asked, ...seen])];
}

function allowedHosts(usage: ClusterUsage, pinnedTo: readonly string[]): Uint8Array | undefined {
  if (pinnedTo.length === 0) return undefined;
  const ids = new Set(pinnedTo);
  return Uint8Array.from(usage.hosts, (host) => (ids.has(host.id) ? 1 : 0));
}

function excludedHosts(usage: ClusterUsage, request: PlaceRequest): ReadonlyMap<number, string> {
  const excluded = new Map<number, string>();
  for (const { hostId, why } of request.exclude ?? []) {
    const host = usage.hostIndexById.get(hostId);
    if (host !== undefined) excluded.set(host, why);
  }
  const from = hostIndex(usage, request.fromHostId);
  if (from >= 0) excluded.set(from, "the VM is leaving it");
  return excluded;
}
