/** What a stage of the test run came to. */
export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** A block of lines for each failure: which, and why. */
  readonly failures: readonly string[];
}

export const nothing: Outcome = { passed: 0, failed: 0, skipped: 0, failures: [] };

export const add = (left: Outcome, right: Outcome): Outcome => ({
  passed: left.passed + right.passed,
  failed: left.failed + right.failed,
  skipped: left.skipped + right.skipped,
  failures: [...left.failures, ...right.failures],
});

/** The closing line, read by machines: do not change its form. */
export const closingLine = ({ passed, failed, skipped }: Outcome): string =>
  `${String(passed)} passed, ${String(failed)} failed, ${String(skipped)} skipped`;
