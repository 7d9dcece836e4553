import type { Filter } from "../filter.ts";

/** Every storage that holds, or will hold, a disk of the VM must be reachable from the host. */
export const storagesReachable: Filter = {
  name: "storages-reachable",
  applies: (_usage, want) => !want.facts().storages.isEmpty,
  passes: (usage, want, host) => usage.traits.hasAll(host, want.facts().storages),
  refuse: (usage, want, host) => [
    {
      check: "storages-reachable",
      missing: want.load.disks
        .map((disk) => disk.storage)
        .filter((storage) => usage.storages.slotOf(storage, host) < 0),
    },
  ],
};
