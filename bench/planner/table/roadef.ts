/** The challenge's 18 public instances, each result judged by the independent checker. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { solveRoadef } from "../roadef/main.ts";
import type { Row } from "./rows.ts";

/** How far from the best known cost an instance may be, in percent; of the rest only the median is asked. */
const GAPS: readonly (readonly [RegExp, number])[] = [
  [/^a1_/, 0.5],
  [/^a2_[235]$/, 10],
  [/^b_/, 5],
];

const MEDIAN_MAX = 0.5;

/** Where the best known is below this share of the initial cost, the distance is taken of that instead. */
const NEAR_ZERO = 1e-5;

interface Checker {
  readonly parse: (model: string, assignment: string) => unknown;
  readonly check: (instance: unknown, assignment: Int32Array) => Verdict;
}

interface Verdict {
  readonly feasible: boolean;
  readonly cost: number;
}

/** @param cpuSeconds for each of two threads; the challenge allows 300. */
export async function* roadefRows(data: string, cpuSeconds: number): AsyncGenerator<Row> {
  const folder = join(data, "roadef2012");
  // The data's own referee, whose two functions its header describes.
  const checker = (await import(pathToFileURL(join(folder, "check.mjs")).href)) as Checker;
  const out = mkdtempSync(join(tmpdir(), "muster-bench-"));
  const gaps: number[] = [];
  for (const { name, best } of instancesOf(folder)) {
    const set = name.startsWith("a") ? "A" : "B";
    const model = join(folder, set, `model_${name}.txt`);
    const assignment = join(folder, set, `assignment_${name}.txt`);
    const file = join(out, name);
    const budget = { seconds: cpuSeconds, cpu: true };
    const found = await solveRoadef({ model, assignment, budget, seed: 1, out: file });
    const solution = Int32Array.from(readFileSync(file, "utf8").trim().split(" "), Number);
    const verdict = checker.check(checker.parse(model, assignment), solution);
    const isNearZero = best < NEAR_ZERO * found.initialCost;
    const gap = (100 * (verdict.cost - best)) / (isNearZero ? found.initialCost : best);
    gaps.push(gap);
    const atMost = isNearZero ? MEDIAN_MAX : GAPS.find(([which]) => which.test(name))?.[1];
    yield {
      work: `ROADEF ${name}, ${cpuSeconds} CPU s on each of 2 threads`,
      measured: verdict.feasible ? gap : Infinity,
      unit: isNearZero ? "% of initial" : "% to best",
      ...(atMost === undefined ? {} : { bar: { atMost } }),
      note: `${verdict.feasible ? "feasible" : "BROKEN"}, cost ${verdict.cost}, ${found.style}`,
    };
  }
  rmSync(out, { recursive: true });
  gaps.sort((a, b) => a - b);
  const middle = gaps.length >> 1;
  yield {
    work: "ROADEF, median gap",
    measured: ((gaps[middle] ?? 0) + (gaps[(gaps.length - 1) >> 1] ?? 0)) / 2,
    unit: "%",
    bar: { atMost: MEDIAN_MAX },
  };
}

/** The instances whose models are there, with the best costs known. */
function instancesOf(folder: string): readonly { readonly name: string; readonly best: number }[] {
  const missing = new Set(["b_7", "b_10"]);
  return readFileSync(join(folder, "best-known.csv"), "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","))
    .map(([name = "", , , best = ""]) => ({ name, best: Number(best) }))
    .filter(({ name }) => /^[ab]/.test(name) && !missing.has(name));
}
