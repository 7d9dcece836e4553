import type { Scorer } from "../scorer.ts";
import { balanceCount, balanceCpu, balanceMemory } from "./balance.ts";
import { fragmentation } from "./fragmentation.ts";
import { home } from "./home.ts";
import { imageCached } from "./image-cached.ts";
import { measuredLoad } from "./measured-load.ts";
import { packing } from "./packing.ts";
import { softRules } from "./soft-rules.ts";
import { volumesToCopy } from "./volumes-to-copy.ts";

/** Every preference, in the order in which a choice explains itself. */
export const scorers: readonly Scorer[] = [
  balanceMemory,
  balanceCpu,
  balanceCount,
  measuredLoad,
  packing,
  fragmentation,
  home,
  softRules,
  imageCached,
  volumesToCopy,
];
