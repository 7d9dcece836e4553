/** One line of the result: us, a peer, and the ratio that we promise. */
export interface Row {
  readonly what: string;
  readonly ours: number;
  readonly peer: string;
  /** Null if the peer is not here; for an absolute bar the bar itself. */
  readonly theirs: number | null;
  /** How many times better we promise to be; null promises nothing. */
  readonly bar: number | null;
  readonly lessIsBetter?: boolean;
  /** How many times better we were in each of several interleaved rounds; their median is judged. */
  readonly rounds?: readonly number[];
}

/** The value below which `part` of the values are. */
export const quantile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ??
  0;

/** How many times better we are; null without a peer. */
export function ratioOf({ ours, theirs, lessIsBetter, rounds }: Row): number | null {
  if (rounds && rounds.length > 0) return quantile(rounds, 0.5);
  if (theirs === null || ours === 0 || theirs === 0) return null;
  return lessIsBetter ? theirs / ours : ours / theirs;
}

export type Verdict = "ok" | "MISSED" | "-" | "no peer";

export function verdictOf(row: Row): Verdict {
  if (row.bar === null) return "-";
  const ratio = ratioOf(row);
  if (ratio === null) return "no peer";
  return ratio >= row.bar ? "ok" : "MISSED";
}

const number = (value: number | null) =>
  value === null ? "-" : value >= 100 ? value.toFixed(0) : value.toPrecision(3);

/** The middle half of the rounds, and all of them: how much the machine's other work had to say. */
function spreadOf(rounds: readonly number[]): string {
  const [low, high] = [quantile(rounds, 0.25), quantile(rounds, 0.75)];
  const [least, most] = [Math.min(...rounds), Math.max(...rounds)];
  return `${number(low)} to ${number(high)} (${number(least)} to ${number(most)})`;
}

export function renderRows(rows: readonly Row[]): string {
  const lines = rows.map((row) => [
    row.what,
    number(row.ours),
    row.peer,
    number(row.theirs),
    number(ratioOf(row)),
    row.bar === null ? "-" : String(row.bar),
    verdictOf(row),
    row.rounds ? spreadOf(row.rounds) : "",
  ]);
  const heads = ["what", "node-libvirt", "against", "theirs", "ratio", "bar", ""];
  const table = [[...heads, "middle half of the rounds (all)"], ...lines];
  const widths = table[0]?.map((_, column) =>
    Math.max(...table.map((line) => line[column]?.length ?? 0)),
  );
  return table
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
