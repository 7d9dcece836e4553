/** Kept plans for people. PURE. */
import { renderAge, renderDuration } from "../duration.ts";
import { sectionOf, type KeptPlanView } from "../view/kept-plan.ts";
import { renderSection } from "./plan.ts";
import type { Paint, Tone } from "./style.ts";
import { field, renderFields, renderTable, type Cell } from "./table.ts";

const tones: Readonly<Record<string, Tone>> = {
  proposed: "busy",
  approved: "busy",
  running: "busy",
  verified: "good",
  failed: "bad",
};

const stateCell = ({ state }: KeptPlanView): Cell => ({
  text: state,
  tone: tones[state] ?? "faint",
});

const score = ({ scoreBefore, scoreAfter }: KeptPlanView): string =>
  scoreBefore === undefined || scoreAfter === undefined
    ? ""
    : `${scoreBefore.toFixed(4)} -> ${scoreAfter.toFixed(4)}`;

export const renderKeptPlans = (plans: readonly KeptPlanView[], now: Date, paint: Paint): string =>
  renderTable<KeptPlanView>(
    [
      { title: "PLAN", cell: ({ id }) => id },
      { title: "KIND", cell: ({ kind }) => kind },
      { title: "STATE", cell: stateCell },
      { title: "ABOUT", cell: ({ about }) => about },
      { title: "MOVES", align: "right", cell: ({ moves }) => String(moves.length) },
      { title: "SCORE", cell: score },
      { title: "BY", cell: ({ createdBy }) => createdBy },
      { title: "AGE", align: "right", cell: ({ createdAt }) => renderAge(createdAt, now) },
    ],
    plans,
    paint,
  );

export function renderKeptPlan(plan: KeptPlanView, now: Date, paint: Paint): string {
  const leftMs = Date.parse(plan.expiresAt) - now.getTime();
  const isOpen = plan.state === "proposed" || plan.state === "approved";
  const head = renderFields(
    [
      field("plan", { text: plan.id, tone: "strong" }),
      field("kind", plan.about === "" ? plan.kind : `${plan.kind} of ${plan.about}`),
      field("state", stateCell(plan)),
      field("score", score(plan)),
      field("from snapshot", plan.snapshotHash),
      field("made", `${plan.createdAt} (${renderAge(plan.createdAt, now)}) by ${plan.createdBy}`),
      field("approved by", plan.approvedBy),
      field("may be run for", isOpen ? renderDuration(Math.max(0, leftMs)) : ""),
      field("operation", plan.operationId),
      field("ended", plan.endedAt),
      ...plan.outcome.map((line) => field("outcome", line)),
    ],
    paint,
  );
  return `${head}\n${renderSection(sectionOf(plan), paint)}`;
}
