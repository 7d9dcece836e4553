/** Operations and events for people. PURE. */
import { renderSize } from "@muster/model";
import { renderAge, renderDuration } from "../duration.ts";
import type { EventView, OperationView, StepView } from "../view/operation.ts";
import { isEndedWord } from "../view/words.ts";
import { currentStep, renderRate } from "./progress.ts";
import { printable, toneOf, type Paint } from "./style.ts";
import { field, renderFields, renderTable, type Column, type Field } from "./table.ts";

/** Milliseconds from creation to the end, or until now. */
export function operationDurationMs(operation: OperationView, now: Date): number {
  const end = operation.endedAt === "" ? now.getTime() : Date.parse(operation.endedAt);
  return Math.max(0, end - Date.parse(operation.createdAt));
}

/** "waits for link h1 - h2 (2 at once): 3rd" is what people ask about a queue. */
export function waitingText({ waitsFor, queuePlace }: OperationView): string {
  if (waitsFor === "") return "";
  return queuePlace <= 1 ? `${waitsFor}: next` : `${waitsFor}: number ${String(queuePlace)}`;
}

export const stuckText = ({ stuckForMs }: OperationView): string =>
  stuckForMs === 0n ? "" : `nothing has moved for ${renderDuration(Number(stuckForMs))}`;

function stepCell(operation: OperationView): string {
  if (operation.state === "succeeded") return "";
  if (operation.waitsFor !== "") return `waits for ${waitingText(operation)}`;
  const step = currentStep(operation);
  if (step === undefined) return "";
  return step.host === "" ? step.name : `${step.name} on ${step.host}`;
}

const columns = (now: Date): readonly Column<OperationView>[] => [
  { title: "ID", cell: (operation) => operation.id },
  { title: "TYPE", cell: (operation) => operation.type },
  { title: "SUBJECT", cell: (operation) => operation.subject },
  { title: "STATE", cell: ({ state }) => ({ text: state, tone: toneOf(state) }) },
  { title: "STEP", cell: stepCell },
  { title: "AGE", align: "right", cell: (operation) => renderAge(operation.createdAt, now) },
  {
    title: "TOOK",
    align: "right",
    cell: (operation) => renderDuration(operationDurationMs(operation, now)),
  },
  { title: "BY", cell: (operation) => operation.requestedBy },
  { title: "REASON", cell: (operation) => operation.reason },
];

export const renderOperations = (
  operations: readonly OperationView[],
  now: Date,
  paint: Paint,
): string => renderTable(columns(now), operations, paint);

export const renderOperationsWide = (
  operations: readonly OperationView[],
  now: Date,
  paint: Paint,
): string =>
  renderTable(
    [
      ...columns(now),
      { title: "ERROR", cell: ({ error }) => ({ text: error?.message ?? "", tone: "bad" }) },
    ],
    operations,
    paint,
  );

const stepColumns: readonly Column<StepView>[] = [
  { title: "STEP", cell: (step) => step.name },
  { title: "STATE", cell: ({ state }) => ({ text: state, tone: toneOf(state) }) },
  { title: "HOST", cell: (step) => step.host },
  {
    title: "TOOK",
    align: "right",
    cell: (step) => (step.state === "waiting" ? "" : renderDuration(Number(step.durationMs))),
  },
  { title: "PHASE", cell: (step) => step.phase },
  { title: "ERROR", cell: ({ error }) => ({ text: error?.message ?? "", tone: "bad" }) },
];

export function renderOperation(operation: OperationView, now: Date, paint: Paint): string {
  const sections = [
    renderFields(headFields(operation, now), paint),
    renderFields(migrationFields(operation), paint),
    operation.steps.length === 0 ? "" : renderTable(stepColumns, operation.steps, paint),
    renderLines(operation.explanation),
  ];
  return sections.filter((section) => section !== "").join("\n");
}

export const renderLines = (lines: readonly string[]): string =>
  lines.map((line) => `${printable(line)}\n`).join("");

function headFields(operation: OperationView, now: Date): readonly Field[] {
  const { error, state } = operation;
  return [
    field("operation", { text: operation.id, tone: "strong" }),
    field("type", operation.type),
    field("subject", operation.subject),
    field("state", { text: state, tone: toneOf(state) }),
    field("waits for", waitingText(operation)),
    field("stuck", { text: stuckText(operation), tone: "bad" }),
    field(
      "cancelling",
      operation.cancelRequested && !isEndedWord(state) ? cancelText(operation) : "",
    ),
    field("error", { text: error?.message ?? "", tone: "bad" }),
    field("cause", error?.cause ?? ""),
    ...(error?.reasons ?? []).map((reason) => field("reason", reason)),
    field("what to do", error?.hint ?? ""),
    field("asked by", operation.requestedBy),
    field("because", operation.reason),
    field("created", `${operation.createdAt} (${renderAge(operation.createdAt, now)})`),
    field("took", renderDuration(operationDurationMs(operation, now))),
  ];
}

/** What a cancel does to it now. */
export const cancelText = ({ pastReturn, state }: OperationView): string => {
  if (pastReturn) return "too late: it can only go forward, and finishes";
  return state === "queued" ? "it never begins" : "it undoes what it did";
};

function migrationFields({ migration }: OperationView): readonly Field[] {
  if (migration === undefined) return [];
  return [
    field("sent", renderSize(migration.processedBytes)),
    field("remaining", renderSize(migration.remainingBytes)),
    field("in all", renderSize(migration.totalBytes)),
    field("rate", migration.bytesPerSecond === 0n ? "" : renderRate(migration.bytesPerSecond)),
    field(
      "guest dirties",
      migration.dirtyBytesPerSecond === 0n ? "" : renderRate(migration.dirtyBytesPerSecond),
    ),
    field("passes", String(migration.iteration)),
    field("pause of the guest", `${String(migration.downtimeMs)} ms`),
    field("migration took", renderDuration(migration.elapsedMs)),
  ];
}

/** One event, one line: events arrive one by one, so columns have fixed widths. */
export function renderEvent(event: EventView, paint: Paint): string {
  const operation = event.operationId === "" ? "" : `  (${event.operationId})`;
  const columnsText = [
    paint(event.at, "faint"),
    printable(event.kind).padEnd(22),
    printable(event.subject).padEnd(20),
    printable(event.host === "" ? "-" : event.host).padEnd(10),
    printable(`${event.message}${operation}`),
  ];
  return `${columnsText.join("  ")}\n`;
}
