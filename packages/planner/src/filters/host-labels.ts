import { hostAt, type Filter } from "../filter.ts";

/** Every label the VM asks for must be on the host with that value. */
export const hostLabels: Filter = {
  name: "host-labels",
  applies: (_usage, want) => !want.facts().labels.isEmpty,
  passes: (usage, want, host) => usage.traits.hasAll(host, want.facts().labels),
  refuse: (usage, want, host) => {
    const found = hostAt(usage, host).labels ?? {};
    const missing = Object.entries(want.shape.hostLabels ?? {})
      .filter(([key, wanted]) => found[key] !== wanted)
      .map(([key, wanted]) => ({ key, wanted, found: found[key] ?? null }));
    return [{ check: "host-labels", missing }];
  },
};
