/** What of an answer can be kept as a plan: moves by id, what they cost, what they promise. Pure. */
import type { HostId, KeptMove, PlanKind, PlanRecord, VmId } from "@muster/model";
import type { MotionPlan, Snapshot, StuckVm } from "@muster/planner";
import { hostNames, reportStuck } from "./plan-report.ts";

export type PlanDraft = Pick<
  PlanRecord,
  "kind" | "about" | "hostIds" | "moves" | "scoreBefore" | "scoreAfter" | "seconds" | "stuck"
>;

/** A guest that never converges has no end: shown as the longest there is. */
const SECONDS_MAX = 1e12;

export function draftOf(
  snapshot: Snapshot,
  plan: MotionPlan & { readonly stuck?: readonly StuckVm[] },
  about: {
    readonly kind: PlanKind;
    readonly hostIds: readonly string[];
    readonly scores?: { readonly before: number; readonly after: number };
  },
): PlanDraft {
  const nameOf = hostNames(snapshot);
  const stuck = (plan.stuck ?? []).map((each) => {
    const { vm, host, reasons } = reportStuck(snapshot, each);
    return `${vm} stays on ${host}: ${reasons[0] ?? ""}`;
  });
  const dropped = plan.dropped.map(
    ({ vmName, toHostId }) => `${vmName} has no order in which it could go to ${nameOf(toHostId)}`,
  );
  const { scores } = about;
  return {
    kind: about.kind,
    about: about.hostIds.map(nameOf).join(", "),
    // The planner's ids are those of the ledger that the snapshot was made of.
    hostIds: about.hostIds as readonly HostId[],
    moves: plan.moves.map((move): KeptMove => ({
      wave: move.wave,
      vmId: move.vmId as VmId,
      vmName: move.vmName,
      fromId: move.fromHostId as HostId,
      toId: move.toHostId as HostId,
      isHop: move.isHop,
      memoryMiB: Math.round(move.cost.memoryMiB),
      volumesMiB: Math.round(move.cost.volumesMiB),
      seconds: Math.min(SECONDS_MAX, move.cost.seconds),
      downtimeMs: Math.round(move.cost.downtimeMs),
      converges: move.cost.converges,
    })),
    seconds: Math.min(SECONDS_MAX, plan.totals.seconds),
    stuck: [...stuck, ...dropped],
    ...(scores === undefined ? {} : { scoreBefore: scores.before, scoreAfter: scores.after }),
  };
}

/** Hosts emptied one after the other, as one plan: the waves of the next follow those of the one before. */
export function chained(drafts: readonly PlanDraft[]): PlanDraft | undefined {
  const [first] = drafts;
  if (first === undefined) return undefined;
  let waves = 0;
  const moves = drafts.flatMap((draft) => {
    const shifted = draft.moves.map((move) => ({ ...move, wave: move.wave + waves }));
    waves = shifted.at(-1)?.wave ?? waves;
    return shifted;
  });
  return {
    ...first,
    about: drafts.map(({ about }) => about).join(", "),
    hostIds: drafts.flatMap(({ hostIds }) => hostIds),
    moves,
    seconds: drafts.reduce((sum, { seconds }) => sum + seconds, 0),
    stuck: drafts.flatMap(({ stuck }) => stuck),
  };
}
