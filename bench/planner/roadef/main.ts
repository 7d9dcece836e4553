/**
 * Solves one instance of the challenge with the planner's own search: one thread for each of two cores, one
 * starting hot and one warm, and the better result of the two. The assignment is written as the challenge
 * wants it.
 */
import { writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { Annealer } from "../../../packages/planner/src/search/anneal.ts";
import { readRoadef } from "./instance.ts";
import { RoadefState } from "./state.ts";

export interface RoadefArguments {
  readonly model: string;
  readonly assignment: string;
  readonly seconds: number;
  readonly seed: number;
  readonly out: string;
}

interface Task {
  readonly model: string;
  readonly assignment: string;
  readonly endsAt: number;
  readonly seed: number;
  readonly style: (typeof STYLES)[number];
}

interface Solution {
  readonly initialCost: number;
  readonly cost: number;
  readonly assignment: Int32Array;
}

/**
 * Where capacity is tight and most resources are transient only a hot start gets far from the initial
 * assignment; where it is loose, or the instance large, a warm one wastes no time.
 */
const STYLES = [
  { startTemperature: 5, cooling: 1e-5, swapShare: 0.4, chainShare: 0.1 },
  { startTemperature: 0.03, cooling: 1e-3, swapShare: 0.2, chainShare: 0.4 },
] as const;

/** Kept back for starting threads and writing the result. */
const RESERVE_SECONDS = 2;

export async function benchRoadef(args: RoadefArguments): Promise<void> {
  const startedAt = performance.now();
  const endsAt = Date.now() + Math.max(1, args.seconds - RESERVE_SECONDS) * 1000;
  const solutions = await Promise.all(
    STYLES.map((style, index) =>
      solveInThread({
        model: args.model,
        assignment: args.assignment,
        endsAt,
        seed: args.seed + index,
        style,
      }),
    ),
  );
  const best = solutions.reduce((one, other) => (other.cost < one.cost ? other : one));
  writeFileSync(args.out, `${[...best.assignment].join(" ")}\n`);
  const seconds = (performance.now() - startedAt) / 1000;
  const costs = solutions.map((solution) => solution.cost);
  console.log(JSON.stringify({ initialCost: best.initialCost, cost: best.cost, costs, seconds }));
}

function solveInThread(task: Task): Promise<Solution> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: task });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function solve(task: Task): Solution {
  const state = new RoadefState(readRoadef(task.model, task.assignment));
  const initialCost = state.cost;
  const startedAt = Date.now();
  const search = {
    movesMax: state.vmCount,
    evaluationsMax: Infinity,
    seed: task.seed,
    ...task.style,
    elapsedShare: () => (Date.now() - startedAt) / (task.endsAt - startedAt),
  };
  new Annealer(state, search).run(search);
  return { initialCost, cost: state.cost, assignment: state.hostOf };
}

if (!isMainThread) parentPort?.postMessage(solve(workerData as Task));
