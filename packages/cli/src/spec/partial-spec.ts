/** A VM spec while it is gathered from a file and from flags. PURE. */
import { invalid, parseName } from "@muster/model";
import type { DiskSpec, HaPolicy, KernelBoot, NicSpec, VmSpec } from "@muster/proto/types";

/** What was given so far; absent means not given, never empty. */
export interface PartialVmSpec {
  readonly name?: string;
  readonly cpus?: number;
  readonly memoryBytes?: bigint;
  readonly disks?: readonly DiskSpec[];
  readonly nics?: readonly NicSpec[];
  readonly kernel?: Readonly<KernelBoot>;
  readonly antiAffinityGroups?: readonly string[];
  readonly cpuModel?: string;
  readonly machineType?: string;
  readonly ha?: Readonly<HaPolicy>;
}

/** The fields without those that are undefined, as exact optional properties want them. */
export function given<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  const kept: { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } = {};
  for (const name of Object.keys(fields) as (keyof Fields)[]) {
    const value = fields[name];
    if (value !== undefined) kept[name] = value as Exclude<Fields[keyof Fields], undefined>;
  }
  return kept;
}

/** Later parts win, field by field; lists are replaced, not joined. Throws `invalid` for what is still missing. */
export function completeSpec(parts: readonly PartialVmSpec[]): VmSpec {
  const merged: PartialVmSpec = Object.assign({}, ...parts) as PartialVmSpec;
  const { name, cpus, memoryBytes } = merged;
  if (name === undefined) throw invalid("name", "a name is required", "muster vm create NAME ...");
  if (memoryBytes === undefined || memoryBytes === 0n) {
    throw invalid("memory", "is required", "for example --memory 512M");
  }
  return {
    name: parseName(name, "name"),
    cpus: cpus ?? 1,
    memoryBytes,
    disks: [...(merged.disks ?? [])],
    nics: [...(merged.nics ?? [])],
    kernel: merged.kernel,
    antiAffinityGroups: (merged.antiAffinityGroups ?? []).map((group) =>
      parseName(group, "anti-affinity group"),
    ),
    cpuModel: merged.cpuModel ?? "",
    machineType: merged.machineType ?? "",
    ha: merged.ha,
  };
}
