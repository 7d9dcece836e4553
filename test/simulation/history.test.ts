/**
 * Short lives of unlucky clusters, one for each seed. What fails here is reproduced with
 * `npm run simulate -- --seed N --minutes M --hosts H --verbose`.
 */
import { describe, expect, it } from "vitest";
import { runHistory, type HistoryResult } from "./history.ts";

const describeFailure = (result: HistoryResult): string =>
  [`seed ${String(result.seed)}:`, ...result.log, ...result.violations].join("\n");

describe("an unlucky cluster keeps its promises", () => {
  // How many: some ten seconds of a processor for each kind. Always the same seeds, on a busy machine too.
  it.each([
    { hosts: 2, minutes: 12, first: 10_000, seeds: 80 },
    { hosts: 5, minutes: 20, first: 20_000, seeds: 30 },
    { hosts: 20, minutes: 60, first: 30_000, seeds: 6 },
  ])("$hosts hosts, $minutes minutes", async ({ first, seeds, ...options }) => {
    const results: HistoryResult[] = [];
    for (let seed = first; seed < first + seeds; seed += 1) {
      results.push(await runHistory({ seed, ...options }));
    }
    const broken = results.filter(({ violations }) => violations.length > 0);
    expect(broken.map(describeFailure)).toStrictEqual([]);
    const operations = results.reduce((sum, result) => sum + result.operations, 0);
    // Trouble that keeps anything from being done would keep every promise.
    expect(operations).toBeGreaterThan(results.length * 5);
    console.info(`${String(results.length)} seeds, ${String(operations)} operations`);
  });
});
