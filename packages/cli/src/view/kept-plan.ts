/** Kept plans as the CLI shows them. Field names are those of `-o json`: a contract with scripts. */
import type { KeptPlan, PlanMove, PlanSection } from "@muster/proto/admin";
import { required } from "./required.ts";

export interface KeptPlanView {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  /** Hosts it is about; empty: all. */
  readonly about: string;
  readonly moves: readonly PlanMove[];
  /** What cannot move, a line each. */
  readonly stuck: readonly string[];
  /** Predicted, in milliseconds. */
  readonly durationMs: bigint;
  readonly snapshotHash: string;
  /** Absent: the plan is not about evenness. Lower is better. */
  readonly scoreBefore?: number;
  readonly scoreAfter?: number;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly expiresAt: string;
  /** Empty: nobody yet. */
  readonly approvedBy: string;
  /** Empty: it was not run. */
  readonly operationId: string;
  /** Empty: it is not over. */
  readonly endedAt: string;
  readonly outcome: readonly string[];
  readonly replans: number;
}

export function decodeKeptPlan(wire: KeptPlan): KeptPlanView {
  const { section: _section, scoreBefore, scoreAfter, ...fields } = wire;
  const { moves, lines, durationMs } = required(wire.section, "plan.section");
  return {
    ...fields,
    moves,
    stuck: lines,
    durationMs,
    ...(scoreBefore === undefined ? {} : { scoreBefore }),
    ...(scoreAfter === undefined ? {} : { scoreAfter }),
  };
}

/** The moves as a section of an answer, for the same table. */
export const sectionOf = ({ moves, durationMs, stuck }: KeptPlanView): PlanSection => ({
  title: "",
  lines: [...stuck],
  moves: [...moves],
  durationMs,
  stuck: [],
  counts: [],
  restart: false,
});
