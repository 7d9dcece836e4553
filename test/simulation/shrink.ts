/**
 * Makes a failing history smaller: takes entries out, large parts first, as long as the same promise is still broken.
 * What is left is the shortest story this search finds, not the shortest there is.
 */
import { entriesOf, runHistory, type HistoryOptions, type HistoryResult } from "./history.ts";
import type { Entry } from "./schedule.ts";

export interface Shrunk {
  readonly entries: readonly Entry[];
  readonly result: HistoryResult;
  readonly runs: number;
}

/** "S3: h1 has …" and "S1 at 7 ms: …" are of the kinds S3 and S1. */
const kindOf = (violation: string): string => /^[A-Za-z0-9]+/.exec(violation)?.[0] ?? "";

export async function shrink(
  options: HistoryOptions,
  failing: HistoryResult,
  limits: { readonly runsMax: number },
): Promise<Shrunk> {
  const wanted = kindOf(failing.violations[0] ?? "");
  let best: { readonly entries: readonly Entry[]; readonly result: HistoryResult } = {
    entries: options.entries ?? entriesOf(options),
    result: failing,
  };
  let runs = 0;
  const attempt = async (entries: readonly Entry[]): Promise<boolean> => {
    runs += 1;
    const result = await runHistory({ ...options, entries });
    if (!result.violations.some((violation) => kindOf(violation) === wanted)) return false;
    best = { entries, result };
    return true;
  };
  for (let size = Math.ceil(best.entries.length / 2); size >= 1; size = Math.floor(size / 2)) {
    // From the end: what comes after the breach is gone at the first try.
    for (let end = best.entries.length; end > 0; end -= size) {
      if (runs >= limits.runsMax) return { ...best, runs };
      const start = Math.max(0, end - size);
      const without = [...best.entries.slice(0, start), ...best.entries.slice(end)];
      await attempt(without);
    }
  }
  return { ...best, runs };
}
