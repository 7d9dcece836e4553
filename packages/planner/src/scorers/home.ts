import type { Scorer } from "../scorer.ts";

/** The host where the VM belongs when nothing is wrong. */
export const home: Scorer = {
  name: "home",
  applies: (_usage, want) => want.homeHost >= 0,
  cost: (_usage, want, host) => (host === want.homeHost ? 0 : 1),
};
