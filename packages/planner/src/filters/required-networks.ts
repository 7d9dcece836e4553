import { hostAt, type Filter } from "../filter.ts";
import type { HostSnapshot } from "../snapshot.ts";

const lacking = ({ networkProblems = [] }: HostSnapshot) =>
  networkProblems.filter(({ required }) => required);

/** A host that lacks a network every host should have is not in order: it takes no new VM that has a NIC. */
export const requiredNetworks: Filter = {
  name: "required-networks",
  applies: (usage, want) =>
    !want.facts().networks.isEmpty && usage.hosts.some((host) => lacking(host).length > 0),
  passes: (usage, _want, host) => lacking(hostAt(usage, host)).length === 0,
  refuse: (usage, _want, host) => [
    {
      check: "required-networks",
      problems: lacking(hostAt(usage, host)).map(({ network, problem }) => ({ network, problem })),
    },
  ],
};
