import type { Filter } from "../filter.ts";
import { cellNeedOf } from "../numa-usage.ts";

/** A VM laid out over NUMA cells needs that many cells with room for its part. */
export const numaFit: Filter = {
  name: "numa-fit",
  applies: (_usage, want) => want.load.numaCells > 0,
  passes: (usage, want, host) => usage.numa.fits(want.load, host),
  refuse: (usage, want, host) => {
    const need = cellNeedOf(want.load);
    return [
      {
        check: "numa-fit",
        cellsWanted: want.load.numaCells,
        cpusPerCell: need.cpus,
        memoryMiBPerCell: need.memoryMiB,
        cells: usage.numa
          .cells(host)
          .map(({ id, freeCpus, freeMemoryMiB }) => ({ id, freeCpus, freeMemoryMiB })),
      },
    ];
  },
};
