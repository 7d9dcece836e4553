/** How long a search may take: by the clock, or in CPU time of its thread where the machine is shared. */
import { performance } from "node:perf_hooks";

export interface Budget {
  readonly seconds: number;
  /** Counts CPU time instead of the clock. */
  readonly cpu: boolean;
}

/** From now on: how much of the budget is used up, from 0 to 1. */
export function startBudget({ seconds, cpu }: Budget): () => number {
  const now = cpu ? threadCpuSeconds : () => performance.now() / 1000;
  const startedAt = now();
  return () => (now() - startedAt) / seconds;
}

export function threadCpuSeconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
}
