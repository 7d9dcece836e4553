/** Who answers questions to the planner: threads in a daemon, the caller's own turn where nobody else waits. */
import { errorFrom } from "@muster/model";
import type { Clock } from "@muster/runtime";
import type { AnsweredQuestion, QuestionWork } from "./question-work.ts";
import { resultOf } from "./serve-question.ts";

export interface Questions {
  /** Throws what the question deserves, or the signal's reason when nobody waits any more. */
  ask(work: QuestionWork, signal: AbortSignal): Promise<AnsweredQuestion>;
}

/** For simulations: everything waits while the planner thinks. */
export const answeredAtOnce = (clock: Clock): Questions => ({
  async ask(work) {
    const result = resultOf(work, clock);
    if (result.ok) return result.answered;
    throw errorFrom(result.error);
  },
});
