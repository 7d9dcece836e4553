/** Measured values against their bars, as text. PURE. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** At most; absent: only told. */
  readonly bar?: number | undefined;
  readonly note?: string;
}

export const isMissed = ({ value, bar }: Row): boolean => bar !== undefined && value > bar;

export function renderRow(row: Row): string {
  const { what, value, unit, bar, note } = row;
  const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 1_000 ? 1 : 0;
  const verdict =
    bar === undefined ? "" : `${isMissed(row) ? "MISSED" : "ok"} (at most ${String(bar)})`;
  const tail = [verdict, note ?? ""].filter((part) => part !== "").join("  ");
  return `${what.padEnd(52)} ${value.toFixed(digits).padStart(9)} ${unit.padEnd(5)} ${tail}`.trimEnd();
}

/** The value below which that share of the sorted values lies. */
export function share(sorted: readonly number[], part: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
