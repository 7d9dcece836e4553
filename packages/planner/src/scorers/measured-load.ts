import type { Scorer } from "../scorer.ts";

/** What the host was seen to do, not what was promised: the busiest of its processor, memory and pressure stalls. */
export const measuredLoad: Scorer = {
  name: "measured-load",
  applies: (usage) => usage.isMeasured,
  cost: (usage, _want, host) => usage.measuredLoad[host] as number,
  addCosts: ({ measuredLoad: loads }, _want, { candidates, scores, weight }) => {
    for (let i = 0; i < candidates.length; i++) {
      scores[i] = (scores[i] as number) + weight * (loads[candidates[i] as number] as number);
    }
  },
};
