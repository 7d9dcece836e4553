import { always, hostAt, type Filter } from "../filter.ts";
import { DEFAULT_CPU_OVERCOMMIT } from "../snapshot.ts";

/** CPUs promised to all VMs of a host, stopped ones and claims too, stay within its overcommit. */
export const enoughCpu: Filter = {
  name: "enough-cpu",
  applies: always,
  passes: (usage, want, host) => want.load.cpus <= usage.freeCpus(host),
  sieve: (usage, want, hosts) => {
    const { cpuFree: free } = usage;
    const need = want.load.cpus;
    let kept = 0;
    for (let i = 0; i < hosts.length; i++) {
      const host = hosts[i] as number;
      if (need <= (free[host] as number)) hosts[kept++] = host;
    }
    return kept;
  },
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
