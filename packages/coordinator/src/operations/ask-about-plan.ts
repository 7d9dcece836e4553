/** What a running plan asks of the planner: what the rest is worth now, and what the rest would be if made anew. */
import type { KeptMove, PlanRecord } from "@muster/model";
import type { Judgement } from "@muster/planner";
import { withHistory } from "../planning/motion-history.ts";
import type { PlanDraft } from "../plans/plan-draft.ts";
import type { PlanQuestion } from "../plans/plan-question.ts";
import type { StepContext } from "./operation-type.ts";

type Context = Pick<
  StepContext<unknown>,
  "ledger" | "snapshots" | "clock" | "questions" | "stopping"
>;

/** Long enough for the largest cluster; the answer is wanted, not the last thousandth of it. */
const WITHIN_MS = 10_000;

export async function worthOf(context: Context, moves: readonly KeptMove[]): Promise<Judgement> {
  const { ledger, snapshots, questions, stopping } = context;
  // Moves of VMs that are elsewhere by now are not made, so they count for nothing.
  const left = moves.filter(({ vmId, fromId }) => {
    const at = ledger.view.vms.get(vmId)?.placement?.hostId;
    return at === fromId || moves.some((other) => other.vmId === vmId && other.toId === fromId);
  });
  const question: PlanQuestion = {
    kind: "judge",
    moves: left.map(({ vmId, toId }) => ({ vmId, toHostId: toId })),
  };
  const live = { kind: "live", snapshot: snapshots.take() } as const;
  const answered = await questions.ask({ snapshot: live, question, withinMs: WITHIN_MS }, stopping);
  // The planner's own answer to this question.
  return JSON.parse(answered.json) as Judgement;
}

/** What the plan would be if it were asked for now. */
export async function replanned(
  context: Context,
  plan: PlanRecord,
): Promise<Pick<PlanRecord, "moves" | "seconds" | "stuck"> & Partial<PlanDraft>> {
  const { ledger, snapshots, clock, questions, stopping } = context;
  const snapshot = withHistory(snapshots.take(), ledger.view, clock.wall().getTime());
  const answered = await questions.ask(
    { snapshot: { kind: "live", snapshot }, question: questionOf(plan), withinMs: WITHIN_MS },
    stopping,
  );
  const [draft] = answered.drafts;
  if (draft === undefined) return { moves: [], seconds: 0, stuck: [] };
  const { moves, seconds, stuck, scoreAfter } = draft;
  return { moves, seconds, stuck, ...(scoreAfter === undefined ? {} : { scoreAfter }) };
}

function questionOf({ kind, hostIds, moves }: PlanRecord): PlanQuestion {
  switch (kind) {
    case "rebalance":
      return { kind, movesMax: Math.max(1, moves.length) };
    case "consolidate":
      return { kind, movesMax: Math.max(1, moves.length) };
    case "return-home":
      return { kind, hosts: hostIds };
    case "drain":
    case "rolling":
      return { kind: "drain", hosts: hostIds };
  }
}
