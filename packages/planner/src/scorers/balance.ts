import type { EvennessTerm } from "../evenness.ts";
import type { Scorer, ScorerName } from "../scorer.ts";
import type { ClusterUsage } from "../usage.ts";
import type { Load } from "../want.ts";

/** How much less even the cluster becomes, by htools' measure, in one of its figures. */
function evennessScorer(
  name: ScorerName,
  termOf: (usage: ClusterUsage) => EvennessTerm,
  amountOf: (load: Load) => number,
): Scorer {
  return {
    name,
    applies: (_usage, want) => amountOf(want.load) > 0,
    cost: (usage, want, host) => termOf(usage).growth(host, amountOf(want.load)),
    addCosts: (usage, want, into) => {
      const by = { amount: amountOf(want.load), weight: into.weight };
      termOf(usage).addGrowth(into.candidates, into.scores, by);
    },
  };
}

export const balanceMemory = evennessScorer(
  "balance-memory",
  (usage) => usage.freeMemoryEvenness,
  (load) => load.memoryMiB,
);

export const balanceCpu = evennessScorer(
  "balance-cpu",
  (usage) => usage.cpuEvenness,
  (load) => load.cpus,
);

export const balanceCount = evennessScorer(
  "balance-count",
  (usage) => usage.countEvenness,
  () => 1,
);
