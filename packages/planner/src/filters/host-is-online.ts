import { always, hostAt, type Filter } from "../filter.ts";

/** Nothing is sent to a host that does not answer: it may be gone, or about to be fenced. */
export const hostIsOnline: Filter = {
  name: "host-is-online",
  applies: always,
  passes: (usage, _want, host) => usage.online[host] === 1,
  refuse: (usage, _want, host) => [{ check: "host-is-online", state: hostAt(usage, host).state }],
};
