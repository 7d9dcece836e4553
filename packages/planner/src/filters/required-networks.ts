import { hostAt, type Filter } from "../filter.ts";
import { requiredNetworkProblems } from "../host-traits.ts";

/** A host that lacks a network every host should have is not in order: it takes no new VM that has a NIC. */
export const requiredNetworks: Filter = {
  name: "required-networks",
  applies: (usage, want) => usage.isSomeLackingNetworks && !want.facts().networks.isEmpty,
  passes: (usage, _want, host) => usage.lacksNetworks[host] === 0,
  refuse: (usage, _want, host) => [
    {
      check: "required-networks",
      problems: requiredNetworkProblems(hostAt(usage, host)).map(({ network, problem }) => ({
        network,
        problem,
      })),
    },
  ],
};
