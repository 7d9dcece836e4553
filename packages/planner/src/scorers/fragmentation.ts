import type { Scorer } from "../scorer.ts";

/** CPU left without memory, or memory left without CPU, serves nobody. */
export const fragmentation: Scorer = {
  name: "fragmentation",
  applies: () => true,
  cost: (usage, want, host) => {
    const memory =
      (usage.freeMemoryMiB(host) - want.load.memoryMiB) / (usage.memoryCapacityMiB[host] || 1);
    const cpus = (usage.freeCpus(host) - want.load.cpus) / (usage.cpuCapacity[host] || 1);
    return Math.abs(memory - cpus);
  },
};
