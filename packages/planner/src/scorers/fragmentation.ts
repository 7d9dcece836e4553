import type { Scorer } from "../scorer.ts";

/** CPU left without memory, or memory left without CPU, serves nobody. */
export const fragmentation: Scorer = {
  name: "fragmentation",
  applies: () => true,
  cost: (usage, want, host) => {
    const memoryShare = usage.freeMemoryShare(host, want.load.memoryMiB);
    return Math.abs(memoryShare - (1 - usage.cpuShare(host, want.load.cpus)));
  },
};
