import { always, type Filter } from "../filter.ts";

/** Some hosts are limited in the number of VMs, whatever their size. */
export const vmsPerHost: Filter = {
  name: "vms-per-host",
  applies: always,
  passes: (usage, _want, host) => (usage.vmCount[host] ?? 0) < (usage.vmsMax[host] ?? 0),
  sieve: (usage, _want, hosts) => {
    const { vmsMax: capacity, vmCount: used } = usage;
    const need = 1;
    let kept = 0;
    for (let i = 0; i < hosts.length; i++) {
      const host = hosts[i] as number;
      if (need <= (capacity[host] as number) - (used[host] as number)) hosts[kept++] = host;
    }
    return kept;
  },
  refuse: (usage, _want, host) => [
    { check: "vms-per-host", vms: usage.vmCount[host] ?? 0, max: usage.vmsMax[host] ?? 0 },
  ],
};
