import type { HostRoom } from "./rehearsal.ts";
import type { StaticVerdicts } from "./static-verdicts.ts";
import type { ClusterUsage } from "./usage.ts";
import type { Load } from "./want.ts";

/** The accounts as rehearsals of a failure see them. */
export function hostRoomOf(usage: ClusterUsage, statics: StaticVerdicts): HostRoom {
  const pageSizes = usage.pageSizesKiB.length;
  const known = new WeakMap<Load, Int32Array>();
  return {
    hostCount: usage.hosts.length,
    dimensionCount: 3 + pageSizes,
    scratch: new Float64Array(usage.hosts.length * (3 + pageSizes)),
    free: (host, dimension) => {
      if (dimension === 0) return usage.freeMemoryMiB(host);
      if (dimension === 1) return usage.freeCpus(host);
      if (dimension === 2) return (usage.vmsMax[host] as number) - (usage.vmCount[host] as number);
      const index = dimension - 3;
      return (usage.hugeCapacityMiB[index]?.[host] ?? 0) - (usage.hugeUsedMiB[index]?.[host] ?? 0);
    },
    need: (load, dimension) => {
      if (dimension === 0) return load.memoryMiB;
      if (dimension === 1) return load.cpus;
      if (dimension === 2) return 1;
      return load.pageSize === dimension - 3 ? load.hugeMiB : 0;
    },
    usedMemoryMiB: (host) => usage.memoryUsedMiB[host] as number,
    occupants: (host) => usage.occupants(host),
    allowed: (load) => {
      const remembered = known.get(load);
      if (remembered !== undefined) return remembered;
      const vm = { ...load.shape, id: load.vmId, name: load.vmName };
      const { hosts } = statics.ofVm(vm, undefined);
      known.set(load, hosts);
      return hosts;
    },
  };
}
