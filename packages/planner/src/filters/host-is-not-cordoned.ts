import { always, type Filter } from "../filter.ts";

/** A cordon means that somebody is about to work on the host. */
export const hostIsNotCordoned: Filter = {
  name: "host-is-not-cordoned",
  applies: always,
  passes: (usage, _want, host) => usage.open[host] === 1,
  refuse: () => [{ check: "host-is-not-cordoned" }],
};
