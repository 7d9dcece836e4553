/** One search of one instance, in a thread of its own. */
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { Annealer } from "../../../packages/planner/src/search/anneal.ts";
import { startBudget, type Budget } from "../budget.ts";
import { readRoadef } from "./instance.ts";
import { RoadefState } from "./state.ts";
import { STYLES, type StyleName } from "./styles.ts";

export interface SearchTask {
  readonly model: string;
  readonly assignment: string;
  readonly budget: Budget;
  readonly seed: number;
  readonly style: StyleName;
  /** Where to begin; default the assignment of the instance. */
  readonly start?: Int32Array | undefined;
  /** How far down the cooling of its style this search begins, from 0 to 1. */
  readonly cooled?: number | undefined;
}

export interface Solution {
  readonly style: StyleName;
  readonly initialCost: number;
  readonly cost: number;
  readonly assignment: Int32Array;
}

export function searchInThread(task: SearchTask): Promise<Solution> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: task });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function search(task: SearchTask): Solution {
  const elapsedShare = startBudget(task.budget);
  const state = new RoadefState(readRoadef(task.model, task.assignment));
  const initialCost = state.cost;
  task.start?.forEach((machine, process) => state.move(process, machine));
  state.recompute();
  const style = STYLES[task.style];
  const kept = style.cooling ** (task.cooled ?? 0);
  const options = {
    movesMax: state.vmCount,
    evaluationsMax: Infinity,
    seed: task.seed,
    ...style,
    startTemperature: style.startTemperature * kept,
    cooling: style.cooling / kept,
    elapsedShare,
  };
  new Annealer(state, options).run(options);
  return { style: task.style, initialCost, cost: state.cost, assignment: state.hostOf };
}

if (!isMainThread) parentPort?.postMessage(search(workerData as SearchTask));
