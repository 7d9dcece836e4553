import type { Filter } from "../filter.ts";

/** The host's QEMU must know the VM's machine type, or the guest would find other hardware. */
export const machineType: Filter = {
  name: "machine-type",
  applies: (_usage, want) => !want.facts().machineType.isEmpty,
  passes: (usage, want, host) => usage.traits.hasAll(host, want.facts().machineType),
  refuse: (_usage, want) => [{ check: "machine-type", wanted: want.shape.machineType ?? "" }],
};
