/**
 * A plan of moves, as data: what moves where, in which order, what at once, and what it costs.
 */
import type { Refusal } from "./refusal.ts";

export interface MotionPlan {
  readonly snapshotVersion: number;
  /** In the order in which they may start; those of one wave may run side by side. */
  readonly moves: readonly PlannedMove[];
  readonly waveCount: number;
  /** Moves that were wanted but that no order allows, with the rules that stood in the way at the end. */
  readonly dropped: readonly DroppedMove[];
  readonly totals: MotionTotals;
}

export interface PlannedMove {
  /** From 1. */
  readonly step: number;
  /** From 1; every move of a wave may start once all earlier waves are done. */
  readonly wave: number;
  readonly vmId: string;
  readonly vmName: string;
  readonly fromHostId: string;
  readonly toHostId: string;
  /** True for a stop on the way, made only because there was no direct order. */
  readonly isHop: boolean;
  readonly cost: MoveCost;
}

export interface DroppedMove {
  readonly vmId: string;
  readonly vmName: string;
  readonly fromHostId: string;
  readonly toHostId: string;
  readonly refusals: readonly Refusal[];
}

export interface MoveCost {
  /** Memory to send, repeats for pages dirtied meanwhile included. */
  readonly memoryMiB: number;
  /** Volumes to copy. */
  readonly volumesMiB: number;
  readonly seconds: number;
  readonly downtimeMs: number;
  /** False when the guest dirties memory faster than the link carries it. */
  readonly converges: boolean;
}

export interface MotionTotals {
  readonly moves: number;
  readonly hops: number;
  readonly memoryMiB: number;
  readonly volumesMiB: number;
  /** All waves one after the other, each as long as its longest move. */
  readonly seconds: number;
}

/** How much may move at once. */
export interface MotionLimits {
  /** Migrations that leave one host at a time. More share its link and each takes longer. */
  readonly outgoingPerHostMax: number;
  readonly incomingPerHostMax: number;
  /** Migrations in the whole cluster at a time. */
  readonly atOnceMax: number;
  /** Volume copies that read or write one storage at a time. */
  readonly perStorageMax: number;
  /** Extra moves spent on stops where there is no direct order. */
  readonly hopsMax: number;
}

export const DEFAULT_MOTION_LIMITS: MotionLimits = {
  outgoingPerHostMax: 2,
  incomingPerHostMax: 2,
  atOnceMax: 64,
  perStorageMax: 2,
  hopsMax: 16,
};

export function totalsOf(moves: readonly PlannedMove[]): MotionTotals {
  const longest = new Map<number, number>();
  for (const { wave, cost } of moves) {
    longest.set(wave, Math.max(longest.get(wave) ?? 0, cost.seconds));
  }
  const sum = (pick: (move: PlannedMove) => number) =>
    moves.reduce((total, move) => total + pick(move), 0);
  return {
    moves: moves.length,
    hops: moves.filter((move) => move.isHop).length,
    memoryMiB: sum((move) => move.cost.memoryMiB),
    volumesMiB: sum((move) => move.cost.volumesMiB),
    seconds: [...longest.values()].reduce((total, seconds) => total + seconds, 0),
  };
}
