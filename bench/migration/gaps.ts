/** How long nobody answered, out of what ping says with -D and -O. Pure. */

/** Seconds since the epoch at which answers came. */
export const answersOf = (text: string): readonly number[] =>
  Array.from(text.matchAll(/^\[(\d+\.\d+)\] .*time=/gm), ([, at]) => Number(at));

/** The longest time in milliseconds between two answers of which the later came in [from, to]; 0: there were none. */
export function longestGapMs(answers: readonly number[], from: number, to: number): number {
  let longest = 0;
  for (const [index, at] of answers.entries()) {
    const before = answers[index - 1];
    if (before !== undefined && at >= from && before <= to)
      longest = Math.max(longest, at - before);
  }
  return longest * 1_000;
}

/** The value below which this share of them lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
