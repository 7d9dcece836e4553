import type { HostRoom } from "./reserves.ts";
import { RoomOrder } from "./room-order.ts";
import type { StaticVerdict, StaticVerdicts } from "./static-verdicts.ts";
import type { ClusterUsage } from "./usage.ts";
import type { VmShape } from "./snapshot.ts";

/** The accounts as rehearsals of a failure see them. */
export function hostRoomOf(usage: ClusterUsage, statics: StaticVerdicts): HostRoom {
  const pageSizes = usage.pageSizesKiB.length;
  const known = new WeakMap<VmShape, StaticVerdict>();
  let latest: { readonly shape: VmShape; readonly verdict: StaticVerdict } | undefined;
  const order = new RoomOrder(usage.memoryFreeMiB);
  usage.roomOrder = order;
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
    roomiestFirst: () => order.hosts(),
    usedMemoryMiB: (host) => usage.memoryUsedMiB[host] as number,
    occupants: (host) => usage.occupants(host),
    allowed: (load) => {
      // Often one VM, or one shape, is asked about many times in a row.
      if (load.shape === latest?.shape) return latest.verdict;
      const remembered = known.get(load.shape);
      if (remembered !== undefined) {
        latest = { shape: load.shape, verdict: remembered };
        return remembered;
      }
      const vm = { ...load.shape, id: load.vmId, name: load.vmName };
      const verdict = statics.ofVm(vm, undefined);
      known.set(load.shape, verdict);
      return verdict;
    },
  };
}
