/**
 * Ways to search. Which of them suits an instance shows in a small part of the time: where few machines could
 * take a process, a hot start is needed to get anywhere; where transient resources are what is short,
 * processes must be held back, or the first moves use them up for nothing.
 */
import type { AnnealOptions } from "../../../packages/planner/src/search/anneal.ts";

export type Style = Required<
  Pick<
    AnnealOptions,
    "startTemperature" | "cooling" | "swapShare" | "recreateShare" | "recreate" | "pull"
  >
>;

export type StyleName = "hot" | "held" | "cold";

export const STYLES: Readonly<Record<StyleName, Style>> = {
  hot: {
    startTemperature: 10,
    cooling: 0.006,
    swapShare: 0.5,
    recreateShare: 0.75,
    recreate: { hostsMax: 4, vmsPerHostMax: 8 },
    pull: 1,
  },
  held: {
    startTemperature: 0.3,
    cooling: 0.03,
    swapShare: 0.5,
    recreateShare: 0.75,
    recreate: { hostsMax: 4, vmsPerHostMax: 8 },
    pull: 10,
  },
  cold: {
    startTemperature: 0.1,
    cooling: 0.005,
    swapShare: 0.5,
    recreateShare: 0.3,
    recreate: { hostsMax: 3, vmsPerHostMax: 4 },
    pull: 30,
  },
};
