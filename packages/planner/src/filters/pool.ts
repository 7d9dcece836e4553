import { hostAt, type Filter } from "../filter.ts";

/** A VM of a pool runs on that pool's hosts. */
export const pool: Filter = {
  name: "pool",
  applies: (_usage, want) => !want.facts().pool.isEmpty,
  passes: (usage, want, host) => usage.traits.hasAll(host, want.facts().pool),
  refuse: (usage, want, host) => [
    { check: "pool", wanted: want.shape.pool ?? "", found: hostAt(usage, host).pool ?? null },
  ],
};
