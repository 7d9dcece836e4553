import type { Scorer } from "../scorer.ts";

/** One for each preferred group rule that the host would break. */
export const softRules: Scorer = {
  name: "soft-rules",
  applies: (_usage, want) => want.preferredRules.length > 0,
  cost: (usage, want, host) => {
    let broken = 0;
    for (const rule of want.preferredRules) if (!usage.rules.allows(rule, host)) broken++;
    return broken;
  },
  addCosts: (usage, want, into) => {
    for (const rule of want.preferredRules) usage.rules.addBroken(rule, into);
  },
};
