import type { Scorer } from "../scorer.ts";

/**
 * The share of the host that would stay free: the fuller host wins, which keeps whole hosts for large VMs or
 * for switching off. The opposite of evenness, so one of the two has no weight.
 */
export const packing: Scorer = {
  name: "packing",
  applies: () => true,
  cost: (usage, want, host) => {
    const memory = usage.freeMemoryMiB(host) - want.load.memoryMiB;
    const cpus = usage.freeCpus(host) - want.load.cpus;
    return (
      memory / (usage.memoryCapacityMiB[host] || 1) / 2 + cpus / (usage.cpuCapacity[host] || 1) / 2
    );
  },
  addCosts: (usage, want, { candidates, scores, weight }) => {
    const { cpuCapacity, cpuFree, memoryCapacityMiB, memoryFreeMiB } = usage;
    const { cpus, memoryMiB } = want.load;
    const half = weight / 2;
    for (let i = 0; i < candidates.length; i++) {
      const host = candidates[i] as number;
      const memory = memoryCapacityMiB[host] as number;
      const threads = cpuCapacity[host] as number;
      const freeMemory = ((memoryFreeMiB[host] as number) - memoryMiB) / (memory || 1);
      const freeCpus = ((cpuFree[host] as number) - cpus) / (threads || 1);
      scores[i] = (scores[i] as number) + half * (freeMemory + freeCpus);
    }
  },
};
