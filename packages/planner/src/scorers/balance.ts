import type { Scorer } from "../scorer.ts";
import type { ClusterUsage } from "../usage.ts";

/**
 * How much less even the cluster becomes, by htools' measure: the growth of the standard deviation over
 * the online hosts, times their number so that the figure does not shrink as the cluster grows.
 */
export const balanceMemory: Scorer = {
  name: "balance-memory",
  applies: (_usage, want) => want.load.memoryMiB > 0,
  cost: (usage, want, host) =>
    growth(usage.freeMemoryEvenness, host, usage.freeMemoryShare(host, want.load.memoryMiB)),
};

export const balanceCpu: Scorer = {
  name: "balance-cpu",
  applies: () => true,
  cost: (usage, want, host) =>
    growth(usage.cpuEvenness, host, usage.cpuShare(host, want.load.cpus)),
};

export const balanceCount: Scorer = {
  name: "balance-count",
  applies: () => true,
  cost: (usage, _want, host) =>
    growth(usage.countEvenness, host, (usage.vmCount[host] as number) + 1),
};

function growth(term: ClusterUsage["cpuEvenness"], host: number, value: number): number {
  return term.hostCount * (term.deviationWith(host, value) - term.deviation);
}
