import type { ClusterUsage } from "./usage.ts";
import type { Want } from "./want.ts";

/** One preference among hosts that all pass the hard rules. Costs are about 0 to 1; the lowest total wins. */
export interface Scorer {
  readonly name: ScorerName;
  readonly applies: (usage: ClusterUsage, want: Want) => boolean;
  readonly cost: (usage: ClusterUsage, want: Want, host: number) => number;
  /** The same for all candidates at once, where that is much cheaper than one by one. */
  readonly addCosts?: (usage: ClusterUsage, want: Want, into: ScoreTable) => void;
}

export interface ScoreTable {
  /** Host indexes. */
  readonly candidates: Int32Array;
  /** By position in `candidates`. */
  readonly scores: Float64Array;
  readonly weight: number;
}

export type ScorerName =
  | "balance-memory"
  | "balance-cpu"
  | "balance-count"
  | "measured-load"
  | "packing"
  | "fragmentation"
  | "home"
  | "soft-rules"
  | "image-cached"
  | "volumes-to-copy";

export type Weights = Readonly<Record<ScorerName, number>>;

/**
 * Soft rules are wishes that somebody wrote down, and home is where somebody put it: both outweigh
 * evenness, which is only our habit. The count of VMs breaks ties between hosts that are otherwise alike.
 */
export const DEFAULT_WEIGHTS: Weights = {
  "balance-memory": 1,
  "balance-cpu": 1,
  "balance-count": 0.02,
  "measured-load": 1,
  packing: 0,
  fragmentation: 0.25,
  home: 2,
  "soft-rules": 4,
  "image-cached": 0.3,
  "volumes-to-copy": 1,
};

/** Fills hosts one after the other instead of evening them out. */
export const PACKING_WEIGHTS: Weights = {
  ...DEFAULT_WEIGHTS,
  "balance-memory": 0,
  "balance-cpu": 0,
  "balance-count": 0,
  "measured-load": 0.2,
  packing: 1,
  // As much as packing itself: on real arrivals a host that runs out of memory with CPUs left costs most.
  fragmentation: 1,
};
