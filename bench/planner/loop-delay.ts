/**
 * How long the coordinator's event loop stands still while a rebalance is computed: the same threads, the same entry, a
 * cluster of an htools file. The clock tells what people feel; CPU time of one turn what we do, whatever else runs.
 */
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";
import { noteSnapshotHash, snapshotHash } from "@muster/planner";
import { systemClock } from "@muster/runtime";
import { QuestionThreads } from "../../packages/coordinator/src/plans/question-threads.ts";
import { serveQuestion } from "../../packages/coordinator/src/plans/serve-question.ts";
import { threadCpuSeconds } from "./budget.ts";
import { readHtools, snapshotOf } from "./htools.ts";

export interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
  /** CPU time of the longest turn of the event loop. */
  readonly longestTurnCpuMs: number;
  readonly moves: number;
  readonly seconds: number;
}

/** Kept between two looks, so that watching leaves a processor for the search. */
const LOOK_PERIOD_MS = 1;

export async function measureLoopDelay(htools: string, withinMs: number): Promise<LoopDelay> {
  const snapshot = snapshotOf(readHtools(htools));
  // The coordinator keeps it beside each snapshot.
  noteSnapshotHash(snapshot, snapshotHash(snapshot));
  await using threads = new QuestionThreads({
    entry: new URL(import.meta.url),
    clock: systemClock,
  });
  const delay = monitorEventLoopDelay({ resolution: LOOK_PERIOD_MS });
  let longestTurnCpuMs = 0;
  let last = threadCpuSeconds();
  const look = setInterval(() => {
    const now = threadCpuSeconds();
    longestTurnCpuMs = Math.max(longestTurnCpuMs, (now - last) * 1000);
    last = now;
  }, LOOK_PERIOD_MS);
  // What came before is not part of it.
  await systemClock.sleep(200);
  longestTurnCpuMs = 0;
  delay.enable();
  const startedAt = performance.now();
  const answered = await threads.ask(
    {
      snapshot: { kind: "live", snapshot },
      question: { kind: "rebalance", movesMax: 2000 },
      withinMs,
    },
    new AbortController().signal,
  );
  await systemClock.sleep(20);
  delay.disable();
  clearInterval(look);
  return {
    p99Ms: delay.percentile(99) / 1e6,
    maxMs: delay.max / 1e6,
    longestTurnCpuMs,
    moves: answered.drafts[0]?.moves.length ?? 0,
    seconds: (performance.now() - startedAt) / 1000,
  };
}

if (!isMainThread) serveQuestion(systemClock);
