/** Measured values against their limits, as text. */
export interface Row {
  readonly what: string;
  readonly measured: number | undefined;
  readonly unit: string;
  readonly limit: string | undefined;
}

export const isBeyond = ({ measured = 0, limit }: Row): boolean =>
  limit !== undefined && measured > Number(limit);

export function renderRow(row: Row): string {
  const { what, measured, unit, limit } = row;
  const shown = measured === undefined ? "-" : measured.toFixed(unit === "%" ? 2 : 1);
  const within = isBeyond(row)
    ? `TOO MUCH (at most ${limit ?? ""})`
    : `ok (at most ${limit ?? ""})`;
  const verdict = limit === undefined ? "" : within;
  return `${what.padEnd(22)} ${shown.padStart(9)} ${unit.padEnd(3)} ${verdict}`.trimEnd();
}
