import { writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { planRebalance } from "@muster/planner";
import { startBudget, type Budget } from "./budget.ts";
import { htoolsScore } from "./htools-score.ts";
import { readHtools, snapshotOf } from "./htools.ts";

export interface RebalanceArguments {
  readonly htools: string;
  readonly json: string | undefined;
  readonly maxMoves: number | undefined;
  readonly ignoreDynu: boolean;
  readonly seed: number;
  readonly evaluations: number | undefined;
  readonly budget: Budget | undefined;
  /** Writes the moves as hbal prints them, for its own tools to score. */
  readonly movesOut: string | undefined;
}

/** Rebalances an htools cluster by hbal's own score, nothing else in the objective. */
export function benchRebalance(args: RebalanceArguments): void {
  const { result, lines } = rebalanceHtools(args);
  if (args.movesOut !== undefined) writeFileSync(args.movesOut, `${lines.join("\n")}\n`);
  if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(result, null, 1)}\n`);
  const { moves: _moves, ...summary } = result;
  console.log(JSON.stringify(summary));
}

export function rebalanceHtools(args: Omit<RebalanceArguments, "json" | "movesOut">) {
  const cluster = readHtools(args.htools);
  const snapshot = snapshotOf(cluster);
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const answer = planRebalance(snapshot, {
    seed: args.seed,
    weights: {
      memory: 1,
      cpu: 1,
      count: args.ignoreDynu ? 0 : 4,
      measuredCpu: 0,
      measuredMemory: 0,
      softRule: 2,
      perMove: 0,
      perGiBMoved: 0,
    },
    ...(args.maxMoves === undefined ? {} : { movesMax: args.maxMoves }),
    ...(args.evaluations === undefined ? {} : { evaluationsMax: args.evaluations }),
    ...(args.budget === undefined ? {} : { elapsedShare: startBudget(args.budget) }),
  });
  const cpu = process.cpuUsage(cpuBefore);
  const milliseconds = performance.now() - startedAt;
  if (!answer.ok) throw new Error(`the planner refused: ${answer.reason}`);
  const now = new Map<string, string>();
  const lines: string[] = [];
  const moves = answer.moves.map((move) => {
    now.set(move.vmId, move.toHostId);
    const score = answer.scoreAfterMoves[move.step - 1] ?? 0;
    lines.push(
      `${move.step}. ${move.vmId} ${move.fromHostId} => ${move.toHostId} ${score.toFixed(8)} a=f`,
    );
    return {
      vm: move.vmId,
      from: move.fromHostId,
      to: move.toHostId,
      wave: move.wave,
      isHop: move.isHop,
    };
  });
  const how = { ignoreDynu: args.ignoreDynu };
  const result = {
    htools: args.htools,
    ignoreDynu: args.ignoreDynu,
    seed: args.seed,
    initialScore: htoolsScore(cluster, new Map(), how),
    finalScore: htoolsScore(cluster, now, how),
    moveCount: moves.length,
    waveCount: answer.waveCount,
    hops: answer.totals.hops,
    dropped: answer.dropped.length,
    milliseconds,
    cpuMilliseconds: (cpu.user + cpu.system) / 1000,
    moves,
  };
  return { result, lines };
}
