import type { Scorer } from "../scorer.ts";

/** CPU left without memory, or memory left without CPU, serves nobody: the difference of the two shares. */
export const fragmentation: Scorer = {
  name: "fragmentation",
  applies: () => true,
  cost: (usage, want, host) => {
    const memory =
      (usage.freeMemoryMiB(host) - want.load.memoryMiB) / (usage.memoryCapacityMiB[host] || 1);
    const cpus = (usage.freeCpus(host) - want.load.cpus) / (usage.cpuCapacity[host] || 1);
    return Math.abs(memory - cpus);
  },
  addCosts: (usage, want, { candidates, scores, weight }) => {
    const { cpuCapacity, cpuFree, memoryCapacityMiB, memoryFreeMiB } = usage;
    const { cpus, memoryMiB } = want.load;
    for (let i = 0; i < candidates.length; i++) {
      const host = candidates[i] as number;
      const memory = memoryCapacityMiB[host] as number;
      const threads = cpuCapacity[host] as number;
      const freeMemory = ((memoryFreeMiB[host] as number) - memoryMiB) / (memory || 1);
      const freeCpus = ((cpuFree[host] as number) - cpus) / (threads || 1);
      scores[i] = (scores[i] as number) + weight * Math.abs(freeMemory - freeCpus);
    }
  },
};
