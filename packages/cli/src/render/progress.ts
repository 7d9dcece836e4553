/**
 * How far an operation is, in a line: for a terminal that is redrawn (`renderProgressLine`) and for a log that only
 * grows (`renderNews`). PURE.
 */
import { renderSize } from "@muster/model";
import { renderDuration } from "../duration.ts";
import type { OperationView, StepView } from "../view/operation.ts";
import { isEndedWord } from "../view/words.ts";
import { printable } from "./style.ts";

type Migration = NonNullable<OperationView["migration"]>;

const BAR_WIDTH = 24;

/** The step that runs, or the last one that was touched. */
export const currentStep = (operation: OperationView): StepView | undefined =>
  operation.steps.find(({ state }) => state === "running") ??
  operation.steps.findLast(({ state }) => state !== "waiting");

/** 0 to 1, or undefined while nothing is known. Steps for most operations, bytes for a running migration. */
export function doneRatio(operation: OperationView): number | undefined {
  if (operation.state === "succeeded") return 1;
  const { migration } = operation;
  if (isMoving(operation) && migration !== undefined && migration.totalBytes > 0n) {
    const left = Number(migration.remainingBytes) / Number(migration.totalBytes);
    return Math.min(1, Math.max(0, 1 - left));
  }
  if (operation.steps.length === 0) return undefined;
  return operation.steps.filter(({ state }) => state === "done").length / operation.steps.length;
}

/** True while the migration's counters move. */
const isMoving = (operation: OperationView): boolean =>
  operation.migration !== undefined && operation.state === "running";

/** "[############            ]  50%" */
export function renderBar(ratio: number): string {
  const filled = Math.round(ratio * BAR_WIDTH);
  // 100% is for what is done, not for what is nearly done.
  const percent = Math.floor(ratio * 100);
  return `[${"#".repeat(filled)}${" ".repeat(BAR_WIDTH - filled)}] ${String(percent).padStart(3)}%`;
}

/** "85.2 MiB/s" */
export const renderRate = (bytesPerSecond: bigint): string => `${renderSize(bytesPerSecond)}/s`;

/**
 * Time left at the present rate, less what the guest dirties meanwhile; undefined when the rate is unknown. A guest
 * that dirties memory faster than it is sent never converges.
 */
export function timeLeft(migration: Migration): string | undefined {
  const { bytesPerSecond, dirtyBytesPerSecond, remainingBytes } = migration;
  if (bytesPerSecond === 0n || remainingBytes === 0n) return undefined;
  if (dirtyBytesPerSecond >= bytesPerSecond) return "does not converge yet";
  const leftMs = (remainingBytes * 1_000n) / (bytesPerSecond - dirtyBytesPerSecond);
  return `${renderDuration(Number(leftMs))} left`;
}

function migrationParts(migration: Migration): readonly string[] {
  const { processedBytes, totalBytes, bytesPerSecond, iteration } = migration;
  const left = timeLeft(migration);
  return [
    totalBytes > 0n ? `${renderSize(processedBytes)} sent of ${renderSize(totalBytes)}` : "",
    bytesPerSecond > 0n ? renderRate(bytesPerSecond) : "",
    left ?? "",
    iteration > 1 ? `pass ${String(iteration)}` : "",
  ].filter((part) => part !== "");
}

const stepText = (step: StepView): string => {
  const host = step.host === "" ? "" : ` on ${step.host}`;
  const phase = step.phase === "" ? "" : `: ${step.phase}`;
  return printable(`${step.name}${host}${phase}`);
};

/** One line, at most `widthMax` characters, for a terminal that is redrawn. */
export function renderProgressLine(
  operation: OperationView,
  at: { readonly elapsedMs: number; readonly widthMax: number },
): string {
  const ratio = doneRatio(operation);
  const step = currentStep(operation);
  const parts = [
    ratio === undefined ? "" : renderBar(ratio),
    operation.state === "undoing" ? "undoing" : "",
    step === undefined ? operation.state : stepText(step),
    ...(isMoving(operation) && operation.migration !== undefined
      ? migrationParts(operation.migration)
      : []),
    renderDuration(at.elapsedMs),
  ].filter((part) => part !== "");
  const line = parts.join("  ");
  return line.length <= at.widthMax ? line : line.slice(0, Math.max(0, at.widthMax));
}

const title = (operation: OperationView): string =>
  printable(`${operation.id} ${operation.type} ${operation.subject}`);

export interface News {
  readonly text: string;
  /** True when a step ended, well or badly. */
  readonly isEnd: boolean;
}

/**
 * What changed between two views of an operation: steps that began, changed phase, ended. `before` is undefined for
 * the first view.
 */
export function renderNews(
  before: OperationView | undefined,
  after: OperationView,
): readonly News[] {
  const news: News[] = [];
  if (before?.state !== after.state && !isEndedWord(after.state)) {
    news.push({ text: `${title(after)}: ${after.state}`, isEnd: false });
  }
  if (after.cancelRequested && before?.cancelRequested === false) {
    news.push({ text: `${title(after)}: asked to cancel`, isEnd: false });
  }
  for (const [index, step] of after.steps.entries()) {
    const earlier = before?.steps[index];
    const isSame = earlier?.state === step.state && earlier.phase === step.phase;
    if (!isSame && step.state !== "waiting") news.push(stepNews(after.id, step));
  }
  return news;
}

function stepNews(operationId: string, step: StepView): News {
  if (step.state === "running") {
    return { text: `${operationId} ${stepText(step)}`, isEnd: false };
  }
  const took = renderDuration(Number(step.durationMs));
  const ended = { ...step, phase: "" };
  return { text: `${operationId} ${stepText(ended)}: ${step.state} after ${took}`, isEnd: true };
}
