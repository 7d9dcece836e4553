import { always, type Filter } from "../filter.ts";

/** Some hosts are limited in the number of VMs, whatever their size. */
export const vmsPerHost: Filter = {
  name: "vms-per-host",
  applies: always,
  passes: (usage, _want, host) => (usage.vmCount[host] ?? 0) < (usage.vmsMax[host] ?? 0),
  sieve: (usage, _want, hosts) => {
    const { vmsMax, vmCount } = usage;
    let kept = 0;
    for (let i = 0; i < hosts.length; i++) {
      const host = hosts[i] as number;
      if ((vmCount[host] as number) < (vmsMax[host] as number)) hosts[kept++] = host;
    }
    return kept;
  },
  refuse: (usage, _want, host) => [
    { check: "vms-per-host", vms: usage.vmCount[host] ?? 0, max: usage.vmsMax[host] ?? 0 },
  ],
};
