import type { Filter } from "../filter.ts";

/** All memory of a VM fits, counting VMs promised but not yet running and those that are stopped. */
export const enoughMemory: Filter = {
  name: "enough-memory",
  applies: (_usage, want) => want.load.memoryMiB > 0,
  passes: (usage, want, host) => want.load.memoryMiB <= usage.freeMemoryMiB(host),
  sieve: (usage, want, hosts) => {
    const { memoryFreeMiB: free } = usage;
    const need = want.load.memoryMiB;
    let kept = 0;
    for (let i = 0; i < hosts.length; i++) {
      const host = hosts[i] as number;
      if (need <= (free[host] as number)) hosts[kept++] = host;
    }
    return kept;
  },
  refuse: (usage, want, host) => {
    const free = usage.freeMemoryMiB(host);
    return [
      {
        check: "enough-memory",
        wanted: want.load.memoryMiB,
        free,
        short: want.load.memoryMiB - free,
        capacity: usage.memoryCapacityMiB[host] ?? 0,
      },
    ];
  },
};
