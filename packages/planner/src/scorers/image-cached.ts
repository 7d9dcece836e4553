import { hostAt } from "../filter.ts";
import type { Scorer } from "../scorer.ts";

/** A host that has the image already starts the VM sooner and loads no link. */
export const imageCached: Scorer = {
  name: "image-cached",
  applies: (_usage, want) => want.shape.image !== undefined && want.fromHost < 0,
  cost: (usage, want, host) =>
    hostAt(usage, host).imagesCached?.includes(want.shape.image ?? "") === true ? 0 : 1,
};
