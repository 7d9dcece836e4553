import type { Filter } from "../filter.ts";

/** The request itself rules a host out: the source of a migration, or one that has just failed. */
export const hostIsNotExcluded: Filter = {
  name: "host-is-not-excluded",
  applies: (_usage, want) => want.excluded.size > 0,
  passes: (_usage, want, host) => !want.excluded.has(host),
  refuse: (_usage, want, host) => [
    { check: "host-is-not-excluded", why: want.excluded.get(host) ?? "excluded by the request" },
  ],
};
