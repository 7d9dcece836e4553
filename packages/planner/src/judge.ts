/** What moves are worth now: asked again before a plan that was made a while ago goes on. */
import { Assignment } from "./search/assignment.ts";
import { DEFAULT_BALANCE_WEIGHTS, problemFrom } from "./search/from-snapshot.ts";
import type { Snapshot } from "./snapshot.ts";

export interface Judgement {
  /** Lower is better; the score that rebalancing lowers. */
  readonly scoreNow: number;
  /** Once the moves are made. */
  readonly scoreThen: number;
}

/** Moves of VMs that are not there, or are there already, count for nothing. */
export function judgeMoves(
  snapshot: Snapshot,
  moves: readonly { readonly vmId: string; readonly toHostId: string }[],
): Judgement {
  const { problem, vms, hostIds } = problemFrom(snapshot, DEFAULT_BALANCE_WEIGHTS);
  const assignment = new Assignment(problem);
  const scoreNow = assignment.cost;
  const vmIndex = new Map(vms.map((vm, index) => [vm.id, index]));
  const hostIndex = new Map(hostIds.map((id, index) => [id, index]));
  for (const { vmId, toHostId } of moves) {
    const [vm, host] = [vmIndex.get(vmId), hostIndex.get(toHostId)];
    if (vm !== undefined && host !== undefined) assignment.move(vm, host);
  }
  return { scoreNow, scoreThen: assignment.cost };
}
