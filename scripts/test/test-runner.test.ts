/** The counts that `npm test` ends with. */
import { describe, expect, it } from "vitest";
import { add, closingLine, nothing } from "./outcome.ts";
import { countReport, judge } from "./vitest.ts";

describe("the test run", () => {
  const report = JSON.stringify({
    numPassedTests: 5,
    numFailedTests: 1,
    numPendingTests: 2,
    numTodoTests: 1,
  });

  it("counts what vitest reports", () => {
    expect(countReport(report)).toStrictEqual({ passed: 5, failed: 1, skipped: 3 });
    expect(countReport("{}")).toStrictEqual(nothing);
  });

  it("counts a file that cannot be loaded as a failure", () => {
    expect(judge({ passed: 5, failed: 0, skipped: 0 }, 1).failed).toBe(1);
    expect(judge({ passed: 5, failed: 2, skipped: 0 }, 1).failed).toBe(2);
    expect(judge({ passed: 5, failed: 0, skipped: 0 }, 0).failed).toBe(0);
  });

  it("ends with one line that machines read", () => {
    const sum = add(countReport(report), { passed: 1, failed: 0, skipped: 1 });
    expect(closingLine(sum)).toBe("6 passed, 1 failed, 4 skipped");
  });
});
