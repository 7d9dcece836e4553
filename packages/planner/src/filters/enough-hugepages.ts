import type { Filter } from "../filter.ts";
import type { ClusterUsage } from "../usage.ts";
import type { Want } from "../want.ts";

/** Memory in hugepages comes from the host's pool of that page size, which nothing can overcommit. */
export const enoughHugepages: Filter = {
  name: "enough-hugepages",
  applies: (_usage, want) => want.load.hugeMiB > 0,
  passes: (usage, want, host) => want.load.hugeMiB <= room(usage, want, host).free,
  refuse: (usage, want, host) => {
    const { free, capacity } = room(usage, want, host);
    const wanted = want.load.hugeMiB;
    const pageKiB = Number((want.shape.hugepageBytes ?? 0n) / 1024n);
    return [{ check: "enough-hugepages", pageKiB, wanted, free, short: wanted - free, capacity }];
  },
};

function room(usage: ClusterUsage, want: Want, host: number): { free: number; capacity: number } {
  const capacity = usage.hugeCapacityMiB[want.load.pageSize]?.[host] ?? 0;
  return { capacity, free: capacity - (usage.hugeUsedMiB[want.load.pageSize]?.[host] ?? 0) };
}
