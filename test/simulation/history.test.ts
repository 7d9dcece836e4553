/**
 * Short lives of unlucky clusters, one for each seed. What fails here is reproduced with
 * `npm run simulate -- --seed N --minutes M --hosts H --verbose`.
 */
import { describe, expect, it } from "vitest";
import { runHistory, type HistoryResult } from "./history.ts";

/** Seeds of each kind of cluster, and the wall-clock time after which no more are begun. */
const SEEDS_MAX = 150;
const SEEDS_MIN = 8;
const TIME_MAX_MS = 25_000;

const describeFailure = (result: HistoryResult): string =>
  [`seed ${String(result.seed)}:`, ...result.log, ...result.violations].join("\n");

async function runSeeds(
  first: number,
  options: { readonly hosts: number; readonly minutes: number },
): Promise<readonly HistoryResult[]> {
  const beganMs = performance.now();
  const results: HistoryResult[] = [];
  for (let seed = first; seed < first + SEEDS_MAX; seed += 1) {
    const isLate = performance.now() - beganMs > TIME_MAX_MS;
    if (isLate && results.length >= SEEDS_MIN) break;
    results.push(await runHistory({ seed, ...options }));
  }
  return results;
}

describe("an unlucky cluster keeps its promises", () => {
  it.each([
    { hosts: 2, minutes: 12, first: 10_000 },
    { hosts: 5, minutes: 20, first: 20_000 },
    { hosts: 20, minutes: 60, first: 30_000 },
  ])("$hosts hosts, $minutes minutes", async ({ first, ...options }) => {
    const results = await runSeeds(first, options);
    const broken = results.filter(({ violations }) => violations.length > 0);
    expect(broken.map(describeFailure)).toStrictEqual([]);
    const operations = results.reduce((sum, result) => sum + result.operations, 0);
    // Trouble that keeps anything from being done would keep every promise.
    expect(operations).toBeGreaterThan(results.length * 5);
    console.info(`${String(results.length)} seeds, ${String(operations)} operations`);
  });
});
