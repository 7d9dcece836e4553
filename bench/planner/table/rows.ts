/** What was measured beside what is asked for, as text. */
export interface Row {
  readonly work: string;
  readonly measured: number;
  readonly unit: string;
  /** Missing for what is only reported. */
  readonly bar?: { readonly atMost: number } | { readonly atLeast: number };
  readonly note?: string;
}

export const isMet = ({ measured, bar }: Row): boolean | undefined => {
  if (bar === undefined) return undefined;
  return "atMost" in bar ? measured <= bar.atMost : measured >= bar.atLeast;
};

export function renderRow(row: Row): string {
  const { work, measured, unit, bar, note = "" } = row;
  const met = isMet(row);
  const verdict = met === undefined ? "" : met ? "met" : "MISSED";
  const asked =
    bar === undefined
      ? ""
      : "atMost" in bar
        ? `at most ${figure(bar.atMost)}`
        : `at least ${figure(bar.atLeast)}`;
  const columns = [
    work.padEnd(52),
    `${figure(measured)} ${unit}`.padStart(16),
    asked.padEnd(18),
    verdict.padEnd(7),
    note,
  ];
  return columns.join("  ").trimEnd();
}

/** Four digits are enough to judge by; counts are whole. */
function figure(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString("en")
    : String(Number(value.toPrecision(4)));
}
