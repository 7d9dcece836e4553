/** Questions to the planner: over the cluster as it is, or over a saved snapshot. Nothing here changes anything. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { invalid, MIB, parseVmId } from "@muster/model";
import { renderSnapshot, snapshotHash } from "@muster/planner";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import type { PlanSection } from "../plans/plan-report.ts";
import type { QuestionWork } from "../plans/question-work.ts";
import { withHistory } from "../planning/motion-history.ts";
import { keepPlans } from "../plans/keep-plan.ts";
import type { AnsweredQuestion } from "../plans/question-work.ts";
import { decodeNewRules } from "./decode-rules.ts";
import { decodeQuestion } from "./decode-question.ts";
import type { ApiParts } from "./parts.ts";
import { snapshotOf } from "./vm-requests.ts";

const compress = promisify(gzip);

const WITHIN_MS_DEFAULT = 5_000;
/** A plan that took longer would be about a cluster that has changed. */
const WITHIN_MS_MAX = 5 * 60_000;

export function planHandlers(parts: ApiParts) {
  return {
    async takeSnapshot(
      _request: pb.TakeSnapshotRequest,
      context: CallContext,
    ): Promise<pb.TakeSnapshotResponse> {
      parts.operatorOf(context);
      const snapshot = withHistoryOf(parts);
      return {
        snapshotGzip: await compress(renderSnapshot(snapshot)),
        hash: snapshotHash(snapshot),
      };
    },

    async askPlan(request: pb.AskPlanRequest, context: CallContext): Promise<pb.AskPlanResponse> {
      const operator = parts.operatorOf(context);
      const answered = await parts.questions.ask(workOf(request, parts), context.signal);
      const kept = request.keep ? await keep(answered, operator, parts) : [];
      return {
        snapshotHash: answered.snapshotHash,
        sections: answered.sections.map(encodeSection),
        json: answered.json,
        outOfTime: answered.outOfTime,
        keptPlans: [...kept],
      };
    },
  };
}

/** Plans of moves that came of a question about the cluster as it is. */
async function keep(
  answered: AnsweredQuestion,
  operator: string,
  parts: ApiParts,
): Promise<readonly string[]> {
  return parts.ledger.transact((view) => {
    const wallMs = parts.clock.wall().getTime();
    const about = { hash: answered.snapshotHash, by: operator, wallMs };
    const { plans, changes } = keepPlans(view, answered.drafts, about);
    return { changes, result: plans.map(({ id }) => id) };
  });
}

const withHistoryOf = (parts: ApiParts) =>
  withHistory(snapshotOf(parts), parts.ledger.view, parts.clock.wall().getTime());

function workOf(request: pb.AskPlanRequest, parts: ApiParts): QuestionWork {
  const withinMs = request.withinMs === 0 ? WITHIN_MS_DEFAULT : request.withinMs;
  if (withinMs > WITHIN_MS_MAX) {
    throw invalid("within", `at most ${String(WITHIN_MS_MAX / 1000)} s`);
  }
  const gzipped = request.snapshotGzip;
  if (request.keep && gzipped.length > 0) {
    throw invalid("keep", "a plan made from a saved snapshot is about another cluster");
  }
  const { view } = parts.ledger;
  const question = decodeQuestion(request.question, {
    newId: () => parseVmId(parts.random.uuid()),
    rules: decodeNewRules(request.placeRules, view),
    rebalance: gzipped.length === 0 ? view.policy.rebalance : undefined,
  });
  return {
    question,
    withinMs,
    snapshot:
      gzipped.length === 0
        ? { kind: "live", snapshot: withHistoryOf(parts) }
        : { kind: "saved", gzip: new Uint8Array(gzipped) },
  };
}

const bytesOf = (mebibytes: number): bigint => BigInt(Math.round(mebibytes * Number(MIB)));
/** A guest that never converges has no end: shown as the longest there is. */
const millisecondsOf = (seconds: number): bigint =>
  BigInt(Math.round(Math.min(seconds * 1000, Number.MAX_SAFE_INTEGER)));

export const encodeSection = (section: PlanSection): pb.PlanSection => ({
  title: section.title,
  lines: [...section.lines],
  moves: section.moves.map((move) => ({
    step: move.step,
    wave: move.wave,
    vm: move.vm,
    fromHost: move.fromHost,
    toHost: move.toHost,
    hop: move.isHop,
    memoryBytes: bytesOf(move.memoryMiB),
    volumeBytes: bytesOf(move.volumesMiB),
    durationMs: millisecondsOf(move.seconds),
    downtimeMs: Math.min(Math.round(move.downtimeMs), 0xffff_ffff),
    diverges: !move.converges,
  })),
  durationMs: millisecondsOf(section.seconds),
  stuck: section.stuck.map(({ vm, host, reasons }) => ({ vm, host, reasons: [...reasons] })),
  restart: section.isRestart,
  counts: section.counts.map(({ name, count }) => ({ name, count })),
});
