import { hostAt, type Filter } from "../filter.ts";

/**
 * The processor must offer the model and the features the guest was promised. A guest that sees its
 * host's own processor needs, on a live move, every feature of the host it leaves.
 */
export const cpuCompatible: Filter = {
  name: "cpu-compatible",
  applies: (_usage, want) => !want.facts().cpu.isEmpty,
  passes: (usage, want, host) => usage.traits.hasAll(host, want.facts().cpu),
  refuse: (usage, want, host) => {
    const found = hostAt(usage, host);
    const model = want.shape.cpuModel;
    const hasModel = model === undefined || (found.cpuModels ?? []).includes(model);
    const features = new Set(found.cpuFeatures);
    const missingFeatures = want.facts().cpuFeatures.filter((feature) => !features.has(feature));
    return [{ check: "cpu-compatible", model: hasModel ? null : (model ?? null), missingFeatures }];
  },
};
