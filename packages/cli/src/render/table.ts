/** Tables and "field: value" blocks for people. PURE. */
import { printable, type Paint, type Tone } from "./style.ts";

export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

export interface Column<Row> {
  readonly title: string;
  readonly align?: "right";
  cell(row: Row): string | Cell;
}

const GAP = "  ";

const asCell = (value: string | Cell): Cell => {
  const cell = typeof value === "string" ? { text: value, tone: "plain" as const } : value;
  return { text: printable(cell.text), tone: cell.tone };
};

const width = (text: string): number => [...text].length;

/** Aligned columns under titles, one line a row, each ending in a newline. An empty cell shows as "-". */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  paint: Paint,
): string {
  const titles = columns.map(({ title }): Cell => ({ text: title, tone: "faint" }));
  const cells = rows.map((row) =>
    columns.map((column) => {
      const cell = asCell(column.cell(row));
      return cell.text === "" ? { text: "-", tone: "faint" as const } : cell;
    }),
  );
  const lines = [titles, ...cells];
  const widths = columns.map((_, index) =>
    Math.max(...lines.map((line) => width(line[index]?.text ?? ""))),
  );
  return lines.map((line) => renderLine({ line, columns, widths, paint })).join("");
}

function renderLine<Row>(parts: {
  readonly line: readonly Cell[];
  readonly columns: readonly Column<Row>[];
  readonly widths: readonly number[];
  readonly paint: Paint;
}): string {
  const { line, columns, widths, paint } = parts;
  const padded = line.map((cell, index) => {
    const blank = " ".repeat((widths[index] ?? 0) - width(cell.text));
    const text = paint(cell.text, cell.tone);
    if (columns[index]?.align === "right") return blank + text;
    return index === line.length - 1 ? text : text + blank;
  });
  return `${padded.join(GAP).trimEnd()}\n`;
}

export interface Field {
  readonly label: string;
  readonly value: string | Cell;
}

export const field = (label: string, value: string | Cell): Field => ({ label, value });

/** "label:  value" lines, values aligned; fields without a value are left out. */
export function renderFields(fields: readonly Field[], paint: Paint): string {
  const shown = fields
    .map(({ label, value }) => ({ label: `${label}:`, cell: asCell(value) }))
    .filter(({ cell }) => cell.text !== "");
  const labelWidth = Math.max(0, ...shown.map(({ label }) => width(label)));
  return shown
    .map(({ label, cell }) => {
      const blank = " ".repeat(labelWidth - width(label));
      return `${paint(label, "faint")}${blank}${GAP}${paint(cell.text, cell.tone)}\n`;
    })
    .join("");
}
