/** The counts that `npm test` ends with. */
import { describe, expect, it } from "vitest";
import { failuresIn, failureSummary } from "./failures.ts";
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
    expect(countReport(report)).toStrictEqual({ passed: 5, failed: 1, skipped: 3, failures: [] });
    expect(countReport("{}")).toStrictEqual(nothing);
  });

  it("counts a file that cannot be loaded as a failure", () => {
    expect(judge({ ...nothing, passed: 5 }, 1).failed).toBe(1);
    expect(judge({ ...nothing, passed: 5, failed: 2 }, 1).failed).toBe(2);
    expect(judge({ ...nothing, passed: 5 }, 0).failed).toBe(0);
  });

  it("says again at the end which tests failed, and why", () => {
    const failed = {
      fullName: "a host is lost",
      status: "failed",
      failureMessages: [
        "\u001b[31mAssertionError: expected 2 to be 1\u001b[39m\n    at host.test.ts:7:1",
      ],
    };
    const files = [
      { name: "/r/host.test.ts", assertionResults: [failed, { fullName: "x", status: "passed" }] },
      {
        name: "/r/broken.test.ts",
        status: "failed",
        message: "SyntaxError: no",
        assertionResults: [],
      },
    ];
    expect(failureSummary(failuresIn({ testResults: files }, "/r"))).toBe(
      [
        "Failed:",
        "  host.test.ts > a host is lost",
        "    AssertionError: expected 2 to be 1",
        "  broken.test.ts",
        "    SyntaxError: no",
      ].join("\n"),
    );
    expect(failureSummary([])).toBe("");
    const many = failureSummary(Array.from({ length: 50 }, () => "  one"));
    expect(many.split("\n")).toHaveLength(42);
    expect(many).toContain("and 10 more");
    expect(judge(nothing, 1).failures).toHaveLength(1);
  });

  it("ends with one line that machines read", () => {
    const sum = add(countReport(report), { ...nothing, passed: 1, skipped: 1 });
    expect(closingLine(sum)).toBe("6 passed, 1 failed, 4 skipped");
  });
});
