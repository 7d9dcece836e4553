/** Keeps drafts as plans in the ledger, and says when a plan is of no use any more. Pure. */
import {
  canMovePlan,
  isPlanOver,
  planIdFrom,
  type PlanRecord,
  type PlanState,
} from "@muster/model";
import { put, remove, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { PlanDraft } from "./plan-draft.ts";

/** A plan is about a cluster that goes on changing: after an hour it is better made anew. */
export const PLAN_LIFE_MS = 3_600_000;
/** Plans that are over are history; so many of them tell enough. */
const OVER_KEPT_MAX = 200;
/** Open ones at most: a script that asks and never runs would otherwise fill the ledger. */
const OPEN_MAX = 100;

export interface KeepAbout {
  readonly hash: string;
  readonly by: string;
  readonly wallMs: number;
  readonly lifeMs?: number;
}

export interface KeptPlans {
  readonly plans: readonly PlanRecord[];
  readonly changes: readonly RecordChange[];
}

/** Drafts without moves are not kept. A new plan takes the place of an open one by the same person about the same. */
export function keepPlans(
  view: LedgerView,
  drafts: readonly PlanDraft[],
  about: KeepAbout,
): KeptPlans {
  const { hash, by, wallMs, lifeMs = PLAN_LIFE_MS } = about;
  const first = (view.cluster.planCount ?? 0) + 1;
  const at = new Date(wallMs).toISOString();
  const plans = drafts
    .filter(({ moves }) => moves.length > 0)
    .map((draft, index): PlanRecord => ({
      ...draft,
      id: planIdFrom(first + index),
      state: "proposed",
      snapshotHash: hash,
      createdAt: at,
      createdBy: by,
      expiresAt: new Date(wallMs + lifeMs).toISOString(),
      outcome: [],
      replans: 0,
    }));
  if (plans.length === 0) return { plans, changes: [] };
  const replaced = openPlans(view).filter(
    (open) =>
      open.createdBy === by &&
      plans.some(({ kind, about: what }) => kind === open.kind && what === open.about),
  );
  const why = `${plans[0]?.id ?? ""} takes its place`;
  const ended = replaced.map((plan) => endPlan(plan, "superseded", { at, why }));
  const surplus = openPlans(view)
    .filter((plan) => !replaced.includes(plan) && plan.state === "proposed")
    .slice(0, Math.max(0, openPlans(view).length + plans.length - replaced.length - OPEN_MAX))
    .map((plan) => endPlan(plan, "superseded", { at, why: "too many plans were open" }));
  return {
    plans,
    changes: [
      put("cluster", { ...view.cluster, planCount: first + plans.length - 1 }),
      ...[...ended, ...surplus, ...plans].map((plan) => put("plan", plan)),
    ],
  };
}

export const openPlans = (view: LedgerView): readonly PlanRecord[] =>
  [...view.plans.values()].filter(({ state }) => state === "proposed" || state === "approved");

/** @throws never for a legal move; the caller has looked at the state. */
export function endPlan(
  plan: PlanRecord,
  state: PlanState,
  { at, why }: { readonly at: string; readonly why?: string },
): PlanRecord {
  if (!canMovePlan(plan.state, state)) return plan;
  return {
    ...plan,
    state,
    endedAt: at,
    outcome: why === undefined ? plan.outcome : [...plan.outcome, why],
  };
}

/** Open plans whose time is over end; of those that are over, the oldest go. */
export function expirePlans(view: LedgerView, wallMs: number): readonly RecordChange[] {
  const at = new Date(wallMs).toISOString();
  const late = openPlans(view)
    .filter(({ expiresAt }) => Date.parse(expiresAt) <= wallMs)
    .map((plan) => put("plan", endPlan(plan, "expired", { at, why: "nobody ran it in time" })));
  const over = [...view.plans.values()].filter(({ state }) => isPlanOver(state));
  const old = over.slice(0, Math.max(0, over.length - OVER_KEPT_MAX));
  return [...late, ...old.map((plan) => remove("plan", plan))];
}
