/** Plans for people: moves by wave with what they cost, what cannot move and why. PURE. */
import { renderSize } from "@muster/model";
import type { PlanMove, PlanSection, PlanStuck } from "@muster/proto/admin";
import { renderDuration } from "../duration.ts";
import type { PlanView } from "../view/plan.ts";
import { printable, type Paint } from "./style.ts";
import { renderTable, type Column } from "./table.ts";

/** Beyond it a prediction only says "very long". */
const DURATION_SHOWN_MAX_MS = 30n * 86_400_000n;

const duration = (durationMs: bigint): string =>
  durationMs > DURATION_SHOWN_MAX_MS ? "never ends" : renderDuration(Number(durationMs));

const restartColumns: readonly Column<PlanMove>[] = [
  { title: "WAVE", align: "right", cell: (move) => String(move.wave) },
  { title: "VM", cell: (move) => move.vm },
  { title: "FROM", cell: (move) => move.fromHost },
  { title: "TO", cell: (move) => (move.hop ? `${move.toHost} (on the way)` : move.toHost) },
];

const moveColumns: readonly Column<PlanMove>[] = [
  ...restartColumns,
  { title: "MEMORY", align: "right", cell: (move) => renderSize(move.memoryBytes) },
  {
    title: "VOLUMES",
    align: "right",
    cell: (move) => (move.volumeBytes === 0n ? "" : renderSize(move.volumeBytes)),
  },
  {
    title: "TAKES",
    align: "right",
    cell: (move) =>
      move.diverges
        ? { text: "does not converge", tone: "bad" }
        : { text: duration(move.durationMs), tone: "plain" },
  },
  { title: "PAUSE", align: "right", cell: (move) => `${String(move.downtimeMs)} ms` },
];

export function renderPlan(plan: PlanView, paint: Paint): string {
  const sections = plan.sections.map((section) => renderSection(section, paint));
  const late = plan.outOfTime
    ? `${paint("the time was over first: this is the best so far; allow more with --within", "busy")}\n`
    : "";
  const from = paint(`from snapshot ${plan.snapshotHash}`, "faint");
  const kept = plan.keptPlans.map(
    (id) => `kept as ${paint(id, "strong")}; to carry it out: muster plan run ${id}\n`,
  );
  return [...sections, `${late}${from}\n${kept.join("")}`].filter((text) => text !== "").join("\n");
}

export function renderSection(section: PlanSection, paint: Paint): string {
  const { title, lines, moves, stuck, counts, restart } = section;
  const columns = restart ? restartColumns : moveColumns;
  return [
    title === "" ? "" : `${paint(printable(title), "strong")}\n`,
    ...lines.map((line) => `${printable(line)}\n`),
    moves.length === 0 ? "" : renderTable(columns, moves, paint),
    moves.length === 0 ? "" : `${totalsOf(section)}\n`,
    ...stuck.map((each) => renderStuck(each, paint)),
    counts.length === 0 ? "" : renderCounts(section, paint),
  ].join("");
}

function totalsOf({ moves, durationMs, restart }: PlanSection): string {
  if (restart) return `${plural(moves.length, "VM")} in ${plural(moves.at(-1)?.wave ?? 0, "wave")}`;
  const memory = moves.reduce((sum, move) => sum + move.memoryBytes, 0n);
  const volumes = moves.reduce((sum, move) => sum + move.volumeBytes, 0n);
  const waves = moves.at(-1)?.wave ?? 0;
  return [
    `${plural(moves.length, "move")} in ${plural(waves, "wave")}`,
    `${renderSize(memory)} of memory`,
    ...(volumes === 0n ? [] : [`${renderSize(volumes)} of volumes`]),
    `about ${duration(durationMs)}`,
  ].join(", ");
}

const plural = (count: number, word: string): string =>
  `${String(count)} ${word}${count === 1 ? "" : "s"}`;

function renderStuck({ vm, host, reasons }: PlanStuck, paint: Paint): string {
  const head = paint(`${printable(vm)} stays on ${printable(host)}:`, "bad");
  return `${head}\n${reasons.map((reason) => `  ${printable(reason)}\n`).join("")}`;
}

const renderCounts = ({ counts }: PlanSection, paint: Paint): string =>
  renderTable(
    [
      { title: "HOST", cell: ({ name }) => name },
      { title: "MORE VMS", align: "right", cell: ({ count }) => String(count) },
    ],
    counts,
    paint,
  );
