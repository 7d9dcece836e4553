import type { Filter } from "../filter.ts";
import type { ClusterUsage } from "../usage.ts";
import type { DiskLoad, Want } from "../want.ts";

/**
 * New volumes must fit in what is free. Volumes that stay where they are, on a storage shared with the
 * host the VM leaves, need nothing; an unreachable storage is the other check's refusal.
 */
export const storageSpace: Filter = {
  name: "storage-space",
  applies: (_usage, want) => want.load.disks.length > 0,
  passes: (usage, want, host) => {
    for (const disk of want.load.disks) {
      if (shortMiB(usage, want, { disk, host }) > 0) return false;
    }
    return true;
  },
  sieve: (usage, want, hosts) => {
    let left = hosts.length;
    for (const disk of want.load.disks) {
      left = usage.storages.sieve(disk, want.volumesHost, hosts.subarray(0, left));
    }
    return left;
  },
  refuse: (usage, want, host) =>
    want.load.disks
      .filter((disk) => shortMiB(usage, want, { disk, host }) > 0)
      .map((disk) => ({
        check: "storage-space",
        storage: disk.storage,
        wantedMiB: usage.storages.neededMiB(disk, host, want.volumesHost),
        freeMiB: usage.storages.freeMiB(usage.storages.slotOf(disk.storage, host)),
        shortMiB: shortMiB(usage, want, { disk, host }),
      })),
};

function shortMiB(usage: ClusterUsage, want: Want, at: { disk: DiskLoad; host: number }): number {
  const slot = at.disk.slots?.[at.host] ?? -1;
  if (slot < 0) return 0;
  const neededMiB = usage.storages.neededMiB(at.disk, at.host, want.volumesHost);
  return neededMiB === 0 ? 0 : neededMiB - usage.storages.freeMiB(slot);
}
