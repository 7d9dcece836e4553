/**
 * Production snapshots with two NUMA cells a host: how much free CPU is in pieces that cannot take a VM of 16
 * CPUs, before and after a limited number of moves found by the planner's search.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { Annealer } from "../../../packages/planner/src/search/anneal.ts";
import { startBudget, type Budget } from "../budget.ts";
import { fragmentFloor } from "./floor.ts";
import { CellState, type ClusterFile } from "./cells.ts";

export interface ByteDanceArguments {
  readonly data: string;
  readonly maxMoves: number;
  readonly budget: Budget;
  readonly seed: number;
  readonly json: string | undefined;
}

export function benchByteDance(args: ByteDanceArguments): void {
  const rows = defragment(args);
  if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(rows, null, 1)}\n`);
  console.table(rows);
}

export function defragment(args: Omit<ByteDanceArguments, "json">) {
  // The file is the benchmark's own, in a form that its README fixes.
  const file = JSON.parse(readFileSync(args.data, "utf8")) as {
    readonly cluster_list: readonly ClusterFile[];
  };
  return file.cluster_list.map((cluster) => solve(cluster, args));
}

/** A piece appears where a few VMs leave one cell together; there are too few moves for more at once. */
const STYLE = {
  startTemperature: 1,
  recreateShare: 0.8,
  recreate: { hostsMax: 1, vmsPerHostMax: 3 },
};

function solve(cluster: ClusterFile, args: Omit<ByteDanceArguments, "json">) {
  const state = new CellState(cluster);
  const before = state.fragmentShare;
  const startedAt = performance.now();
  const search = {
    movesMax: args.maxMoves,
    evaluationsMax: Infinity,
    seed: args.seed,
    ...STYLE,
    elapsedShare: startBudget(args.budget),
  };
  new Annealer(state, search).run(search);
  const moves = inOrder(cluster, state);
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    cluster: cluster.cluster_name,
    hosts: cluster.host_info.length,
    vms: cluster.vm_instance.length,
    before,
    after: moves.fragmentShare,
    floor: fragmentFloor(cluster, args.maxMoves),
    migrations: moves.count,
    withoutOrder: moves.withoutOrder,
    seconds,
  };
}

/** Replays the moves one after the other, each into room that is there at that moment. */
function inOrder(cluster: ClusterFile, target: CellState) {
  const replay = new CellState(cluster);
  let pending = Array.from(target.hostOf.keys()).filter(
    (vm) => target.hostOf[vm] !== replay.hostOf[vm],
  );
  let count = 0;
  for (let progress = true; progress;) {
    const left = pending.filter((vm) => {
      const host = target.hostOf[vm] ?? 0;
      if (!replay.canMove(vm, host)) return true;
      replay.move(vm, host);
      count++;
      return false;
    });
    progress = left.length < pending.length;
    pending = left;
  }
  return { count, withoutOrder: pending.length, fragmentShare: replay.fragmentShare };
}
