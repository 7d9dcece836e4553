import { hostAt, type Filter } from "../filter.ts";

/** Every network of the VM must be usable on the host. */
export const networksPresent: Filter = {
  name: "networks-present",
  applies: (_usage, want) => !want.facts().networks.isEmpty,
  passes: (usage, want, host) => usage.traits.hasAll(host, want.facts().networks),
  refuse: (usage, want, host) => {
    const { networks, networkProblems = [] } = hostAt(usage, host);
    const present = new Set(networks);
    const missing = [...new Set(want.shape.networks)].filter((name) => !present.has(name));
    const problems = networkProblems.flatMap(({ network, problem }) =>
      missing.includes(network) ? [{ network, problem }] : [],
    );
    return [{ check: "networks-present", missing, ...(problems.length === 0 ? {} : { problems }) }];
  },
};
