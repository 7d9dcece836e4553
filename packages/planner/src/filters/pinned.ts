import type { Filter } from "../filter.ts";

/** A VM tied to hosts, for example by a passed-through device, runs on those and no others. */
export const pinned: Filter = {
  name: "pinned",
  applies: (_usage, want) => want.facts().allowedHosts !== undefined,
  passes: (_usage, want, host) => want.facts().allowedHosts?.[host] === 1,
  refuse: (usage, want) => [
    { check: "pinned", pinnedTo: (want.shape.pinnedTo ?? []).map((id) => hostName(usage, id)) },
  ],
};

function hostName(usage: Parameters<Filter["passes"]>[0], hostId: string): string {
  const index = usage.hostIndexById.get(hostId);
  return index === undefined ? hostId : (usage.hosts[index]?.name ?? hostId);
}
