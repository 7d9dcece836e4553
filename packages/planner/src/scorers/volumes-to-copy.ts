import type { Scorer } from "../scorer.ts";

/** The share of the VM's volumes that a move to this host would have to copy. */
export const volumesToCopy: Scorer = {
  name: "volumes-to-copy",
  applies: (_usage, want) => want.volumesHost >= 0 && want.load.disks.length > 0,
  cost: (usage, want, host) => {
    let allMiB = 0;
    let copiedMiB = 0;
    for (const disk of want.load.disks) {
      allMiB += disk.sizeMiB;
      copiedMiB += usage.storages.neededMiB(disk, host, want.volumesHost);
    }
    return host === want.volumesHost || allMiB === 0 ? 0 : copiedMiB / allMiB;
  },
};
