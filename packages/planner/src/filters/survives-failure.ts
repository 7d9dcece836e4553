import type { Filter } from "../filter.ts";

/** With the VM there, every failure the policy speaks of must still leave room for all VMs it hits. */
export const survivesFailure: Filter = {
  name: "survives-failure",
  applies: (usage) => usage.survival !== undefined,
  passes: (usage, want, host) => usage.survival?.breaksWith(want.load, host) === undefined,
  refuse: (usage, want, host) => {
    const broken = usage.survival?.breaksWith(want.load, host);
    if (usage.survival === undefined || broken === undefined) return [];
    return [
      {
        check: "survives-failure",
        level: usage.survival.level,
        count: usage.survival.count,
        domain: broken.domain,
        stranded: broken.stranded.vmName,
        strandedCpus: broken.stranded.cpus,
        strandedMemoryMiB: broken.stranded.memoryMiB + broken.stranded.hugeMiB,
      },
    ];
  },
};
