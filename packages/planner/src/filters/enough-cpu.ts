import { always, hostAt, type Filter } from "../filter.ts";
import { DEFAULT_CPU_OVERCOMMIT } from "../snapshot.ts";

/** CPUs promised to all VMs of a host, stopped ones and claims too, stay within its overcommit. */
export const enoughCpu: Filter = {
  name: "enough-cpu",
  applies: always,
  passes: (usage, want, host) => want.load.cpus <= usage.freeCpus(host),
  refuse: (usage, want, host) => {
    const free = usage.freeCpus(host);
    return [
      {
        check: "enough-cpu",
        wanted: want.load.cpus,
        free,
        short: want.load.cpus - free,
        capacity: usage.cpuCapacity[host] ?? 0,
        overcommit: hostAt(usage, host).capacity.cpuOvercommit ?? DEFAULT_CPU_OVERCOMMIT,
      },
    ];
  },
};
