import { hostAt, type Filter } from "../filter.ts";
import { environmentsAllowedOn } from "../host-traits.ts";

/** Production, development and temporary VMs run only where the site lets them. */
export const environment: Filter = {
  name: "environment",
  applies: (_usage, want) => !want.facts().environment.isEmpty,
  passes: (usage, want, host) => usage.traits.hasAll(host, want.facts().environment),
  refuse: (usage, want, host) => [
    {
      check: "environment",
      wanted: want.shape.environment ?? "",
      found: hostAt(usage, host).environment ?? "",
      allowed: environmentsAllowedOn(hostAt(usage, host), usage.policy),
    },
  ],
};
