/** What rebalancing does about what it found: a proposal is held back until it was there some looks in a row. Pure. */
import type { PlanRecord, RebalancePolicy } from "@muster/model";
import type { PlanDraft } from "../plans/plan-draft.ts";

export interface Look {
  readonly draft: PlanDraft | undefined;
  /** Looks in a row before this one that found a plan worth it. */
  readonly heldBefore: number;
}

export interface Verdict {
  readonly held: number;
  readonly act: "nothing" | "propose" | "run";
  /** For people, a phrase. */
  readonly found: string;
}

/**
 * Three things keep plans from running to and fro: a plan must gain a share of the whole score, must be there several
 * looks in a row, and (in the planner) leaves alone what moved a while ago.
 */
export function judgeLook(policy: RebalancePolicy, { draft, heldBefore }: Look): Verdict {
  const nothing = (found: string): Verdict => ({ held: 0, act: "nothing", found });
  const { scoreBefore = 0, scoreAfter = 0 } = draft ?? {};
  if (draft === undefined || draft.moves.length === 0) {
    return nothing("the hosts are even enough, or nothing may move now");
  }
  const gain = scoreBefore <= 0 ? 0 : (scoreBefore - scoreAfter) / scoreBefore;
  const figures = `${String(draft.moves.length)} moves, score ${scoreBefore.toFixed(4)} to ${scoreAfter.toFixed(4)}`;
  if (gain < policy.gainMin) {
    return nothing(
      `${figures}: a gain of ${percent(gain)}, less than the ${percent(policy.gainMin)} it is worth`,
    );
  }
  const held = heldBefore + 1;
  if (held < policy.holdPasses) {
    const looks = `${String(held)} of ${String(policy.holdPasses)} looks in a row`;
    return { held, act: "nothing", found: `${figures}: seen in ${looks}` };
  }
  switch (policy.automation) {
    case "off":
    case "shadow":
      return { held, act: "nothing", found: `${figures}: only reported` };
    case "manual":
    case "partial":
      return { held, act: "propose", found: `${figures}: proposed` };
    case "full":
      return { held, act: "run", found: `${figures}: started` };
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;

/** What is to be done about a plan of ours that is open already; undefined: nothing, it waits or runs. */
export function nextForOpen(
  policy: RebalancePolicy,
  open: Pick<PlanRecord, "state"> | undefined,
): "look" | "run" | "wait" {
  if (open === undefined) return "look";
  if (open.state === "approved" && mayRun(policy)) return "run";
  if (open.state === "proposed" && policy.automation === "full") return "run";
  return "wait";
}

const mayRun = ({ automation }: RebalancePolicy): boolean =>
  automation === "partial" || automation === "full";
