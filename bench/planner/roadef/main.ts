/**
 * Solves one instance of the challenge with the planner's own search on two threads, as the challenge allows
 * two cores. First every style is tried for a small part of the time, then both threads follow the best with
 * different luck. The best assignment of all is written as the challenge wants it.
 */
import { writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import type { Budget } from "../budget.ts";
import { searchInThread, type SearchTask, type Solution } from "./search.ts";
import type { StyleName } from "./styles.ts";

export interface RoadefArguments {
  readonly model: string;
  readonly assignment: string;
  /** By the clock for all, or CPU time for each of the two threads. */
  readonly budget: Budget;
  readonly seed: number;
  readonly out: string;
}

/** Kept back for starting threads and writing the result. */
const RESERVE_SECONDS = 2;

/** Part of the time for each of two heats, in which the styles race. */
const HEAT_SHARE = 0.06;

/** After each round both threads go on from the better of their results, warmed up a little less each time. */
const ROUNDS = [
  { share: 0.5, cooled: 0 },
  { share: 0.2, cooled: 0.45 },
  { share: 0.18, cooled: 0.6 },
] as const;

export interface RoadefResult {
  readonly initialCost: number;
  readonly cost: number;
  readonly style: StyleName;
  readonly seconds: number;
}

export async function benchRoadef(args: RoadefArguments): Promise<void> {
  console.log(JSON.stringify(await solveRoadef(args)));
}

export async function solveRoadef(args: RoadefArguments): Promise<RoadefResult> {
  const startedAt = performance.now();
  const { cpu } = args.budget;
  const seconds = Math.max(1, args.budget.seconds - (cpu ? 0 : RESERVE_SECONDS));
  const run = (
    style: StyleName,
    seed: number,
    how: { readonly share: number } & Pick<SearchTask, "start" | "cooled">,
  ): Promise<Solution> => {
    const { model, assignment } = args;
    const { share, start, cooled } = how;
    const budget = { cpu, seconds: seconds * share };
    return searchInThread({ model, assignment, seed, style, budget, start, cooled });
  };
  const first = await Promise.all([
    run("hot", args.seed, { share: HEAT_SHARE }),
    run("held", args.seed, { share: HEAT_SHARE }),
  ]);
  const second = await run("cold", args.seed, { share: HEAT_SHARE });
  const race = [...first, second];
  const { style } = race.reduce(cheaper);
  let best = race.reduce(cheaper);
  for (const [index, { share, cooled }] of ROUNDS.entries()) {
    // The first begins anew, hot enough to leave what a short heat has found.
    const how = { share, cooled, start: index === 0 ? undefined : best.assignment };
    const seed = args.seed + 2 * index;
    const found = await Promise.all([run(style, seed, how), run(style, seed + 1, how)]);
    best = [best, ...found].reduce(cheaper);
  }
  writeFileSync(args.out, `${[...best.assignment].join(" ")}\n`);
  const { initialCost, cost } = best;
  return { initialCost, cost, style, seconds: (performance.now() - startedAt) / 1000 };
}

const cheaper = (one: Solution, other: Solution): Solution => (other.cost < one.cost ? other : one);
