/** A plan as the CLI shows it. */
import type { AskPlanResponse, PlanSection } from "@muster/proto/admin";

export interface PlanView {
  readonly snapshotHash: string;
  readonly sections: readonly PlanSection[];
  /** The planner's answer: what `-o json` shows. */
  readonly answer: unknown;
  readonly outOfTime: boolean;
  /** Ids of what was kept. */
  readonly keptPlans: readonly string[];
}

/** Throws a SyntaxError when the coordinator's JSON is not JSON. */
export function decodePlan(wire: AskPlanResponse): PlanView {
  const { snapshotHash, sections, json, outOfTime, keptPlans } = wire;
  const answer: unknown = JSON.parse(json);
  return { snapshotHash, sections, answer, outOfTime, keptPlans };
}
