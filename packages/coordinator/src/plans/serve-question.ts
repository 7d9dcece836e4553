/** The thread's side: one question, one answer, and the thread is over. Called by `main.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { gunzipSync } from "node:zlib";
import { assert, detailOf, MusterError } from "@muster/model";
import { parseSnapshot, snapshotHash, type Snapshot } from "@muster/planner";
import type { Clock } from "@muster/runtime";
import { answerQuestion } from "./answer-question.ts";
import {
  SNAPSHOT_BYTES_MAX,
  snapshotFault,
  type AnsweredQuestion,
  type QuestionResult,
  type QuestionWork,
  type SnapshotPiece,
  type ThreadWork,
} from "./question-work.ts";
import { SnapshotPieces } from "./snapshot-pieces.ts";

export function serveQuestion(clock: Clock): void {
  assert(parentPort !== null, "questions are answered on threads of their own");
  const port = parentPort;
  // Only QuestionThreads starts threads of this program.
  const { snapshot, ...rest } = workerData as ThreadWork;
  if (snapshot.kind !== "follows") {
    port.postMessage(resultOf({ ...rest, snapshot }, clock));
    return;
  }
  const pieces = new SnapshotPieces();
  const listen = (piece: SnapshotPiece): void => {
    const whole = pieces.add(piece);
    if (whole === undefined) return;
    // Nothing keeps the thread then, and it ends when its answer is sent.
    port.off("message", listen);
    port.postMessage(resultOf({ ...rest, snapshot: { kind: "live", snapshot: whole } }, clock));
  };
  port.on("message", listen);
}

export function resultOf(work: QuestionWork, clock: Clock): QuestionResult {
  try {
    return { ok: true, answered: answer(work, clock) };
  } catch (error) {
    return {
      ok: false,
      error: detailOf(work.snapshot.kind === "saved" ? snapshotFault(error) : error),
    };
  }
}

function answer({ snapshot, question, withinMs }: QuestionWork, clock: Clock): AnsweredQuestion {
  const asked = snapshot.kind === "live" ? snapshot.snapshot : readSaved(snapshot.gzip);
  const startedMs = clock.now();
  const elapsedShare = (): number => (clock.now() - startedMs) / withinMs;
  const report = answerQuestion(asked, question, elapsedShare);
  return {
    snapshotHash: snapshotHash(asked),
    sections: report.sections,
    json: JSON.stringify(report.answer),
    outOfTime: report.outOfTime,
    drafts: report.drafts ?? [],
  };
}

function readSaved(gzip: Uint8Array): Snapshot {
  let text: string;
  try {
    text = gunzipSync(gzip, { maxOutputLength: SNAPSHOT_BYTES_MAX }).toString("utf8");
  } catch (cause) {
    const limit = String(SNAPSHOT_BYTES_MAX / 1024 / 1024);
    throw new MusterError("invalid", `the snapshot is not gzip, or larger than ${limit} MiB`, {
      cause,
    });
  }
  return parseSnapshot(text);
}
