/**
 * Ways to search. Which of them suits an instance shows in the first tenth of the time: where few machines
 * could take a process a hot start is needed to get anywhere; where transient resources are what is short,
 * processes must be held back strongly at moderate heat, or the first moves use them up.
 */
import type { AnnealOptions } from "../../../packages/planner/src/search/anneal.ts";

export type Style = Pick<
  AnnealOptions,
  "startTemperature" | "cooling" | "swapShare" | "recreateShare" | "recreate" | "pull"
>;

export const STYLES: Readonly<Record<"hot" | "held", Style>> = {
  hot: {
    startTemperature: 10,
    cooling: 0.01,
    swapShare: 0.5,
    recreateShare: 0.75,
    recreate: { hostsMax: 4, vmsPerHostMax: 8 },
    pull: 1,
  },
  held: {
    startTemperature: 0.3,
    cooling: 0.005,
    swapShare: 0.5,
    recreateShare: 0.6,
    recreate: { hostsMax: 4, vmsPerHostMax: 4 },
    pull: 20,
  },
};

export type StyleName = keyof typeof STYLES;
